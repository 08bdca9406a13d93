@echo off
rem ChibiBooru: runs the program that lies beside this file. Paths on the command line are meant from where the
rem user is. Each command has the permissions that it needs; options without a command are those of serve.
setlocal
set "INIT_CWD=%CD%"
set "CHIBIBOORU_PROGRAM=chibibooru.cmd"
set "DENO_DIR=%LOCALAPPDATA%\chibibooru\@VERSION@"
set "DENO_NO_UPDATE_CHECK=1"
rem What is set for other programs that Node runs is not meant for this one.
set "NODE_OPTIONS="
set "CHIBIBOORU_SET=manage"
set "CHIBIBOORU_COMMAND=%~1"
if "%CHIBIBOORU_COMMAND%"=="" set "CHIBIBOORU_COMMAND=serve"
if "%CHIBIBOORU_COMMAND:~0,1%"=="-" set "CHIBIBOORU_COMMAND=serve"
for %%P in (@PERMISSION_SETS@) do for /f "tokens=1,2 delims=:" %%A in ("%%P") do (
  if /i "%%A"=="%CHIBIBOORU_COMMAND%" set "CHIBIBOORU_SET=%%B"
)
cd /d "%~dp0app"
"%~dp0deno.exe" run --quiet --no-prompt --no-lock --no-remote --cached-only -P=%CHIBIBOORU_SET% main.js %*
