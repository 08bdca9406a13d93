import { configureLogging, escapeControls } from "../base/log.ts";
import { type DoctorConfig, isLoopback, parseDoctorConfig, type Surroundings } from "../config.ts";
import { examineLibrary } from "../library/examine_library.ts";
import {
  examineAddresses,
  examineMachine,
  examinePort,
  examineProgram,
} from "../library/examine_machine.ts";
import { examineProcess } from "../library/examine_process.ts";
import { broken, type Finding, type Verdict } from "../library/findings.ts";
import type { GpuFindings } from "../system/gpu.ts";
import { VERSION } from "../version.ts";
import { toSentence } from "./describe_error.ts";

const MARKS: Record<Verdict, string> = { ok: "ok     ", warning: "warning", problem: "PROBLEM" };

/** Runs `doctor`: 0 = nothing is in the way, 1 = something is. */
export async function runDoctor(around: Surroundings): Promise<number> {
  const config = parseDoctorConfig(around);
  configureLogging({ level: config.logLevel, isTerminal: Deno.stderr.isTerminal() });
  const { findings: machine, gpu } = await examineMachine();
  const process = await examineProcess();
  const findings = [
    ...await examineProgram(VERSION),
    ...process.filter(({ topic }) => topic === "program"),
    ...machine,
    ...process.filter(({ topic }) => topic === "machine"),
    ...await examineLibrary(config.library, { backups: config.backups }),
    isLoopback(config.host)
      ? await examinePort(config.host, config.port)
      : refusedHost(config.host),
    examineAddresses(config.publicUrls),
  ];
  const isWell = findings.every(({ verdict }) => verdict !== "problem");
  console.log(
    config.json ? JSON.stringify(toJson(findings, gpu), null, 2) : describe(findings, config),
  );
  return isWell ? 0 : 1;
}

function refusedHost(host: string): Finding {
  return broken("network", "port", {
    text: `the server refuses to listen on ${host}: there are no logins`,
    remedy: "Unset CHIBIBOORU_HOST; a reverse proxy with a password lets other machines in",
  });
}

/** The findings with the keys of the command line. */
function toJson(findings: readonly Finding[], gpu: GpuFindings) {
  const toDevice = ({ kind, name, memoryBytes, source }: GpuFindings["best"]) => ({
    kind,
    name,
    memory_bytes: memoryBytes,
    source,
  });
  return {
    ok: findings.every(({ verdict }) => verdict !== "problem"),
    findings,
    gpu: { devices: gpu.devices.map(toDevice), best: toDevice(gpu.best) },
  };
}

function describe(findings: readonly Finding[], { library }: DoctorConfig): string {
  const lines: string[] = [];
  let topic = "";
  for (const finding of findings) {
    if (finding.topic !== topic) lines.push(topic = finding.topic);
    lines.push(`  ${MARKS[finding.verdict]}  ${finding.name}: ${finding.text}`);
    if (finding.remedy !== null) lines.push(`           ${toSentence(finding.remedy)}`);
  }
  const count = (verdict: Verdict) =>
    findings.filter((finding) => finding.verdict === verdict).length;
  lines.push(
    count("problem") + count("warning") === 0
      ? `All is well with ${library}.`
      : `Problems: ${count("problem")}, warnings: ${count("warning")}.`,
  );
  return lines.map(escapeControls).join("\n");
}
