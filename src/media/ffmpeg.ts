import { AppError } from "../base/errors.ts";
import { DECODE_TIMEOUT_S, IMAGE_PIXELS_MAX, THUMBNAIL_SIDE_PX } from "../base/limits.ts";
import { checkVideoFacts, type VideoFacts } from "./video_facts.ts";

/** A film to look at: its path is absolute, and its type is what its bytes say. */
export type Film = { path: string; ext: "mp4" | "webm" };

/*
 * ffmpeg follows what a file tells it: a playlist that is called film.mp4 makes it read other files or
 * addresses. So the demuxer is the one of the type that the bytes have, all others are forbidden, and of
 * the protocols only plain files are allowed. Programs are started without a shell, with a time limit and
 * a limit on what they may answer.
 */
const DEMUXERS = { mp4: "mov", webm: "matroska" } as const;
const FORMATS_ALLOWED = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm";
/** A frame of the largest thumbnail, as PNG, is far below this. */
const ANSWER_BYTES_MAX = 32 * 1_048_576;
/** Frames are taken here: the first ones are often black. */
const POSTER_AT_SHARE = 0.1;
const POSTER_AT_MAX_S = 10;
/** Larger than the thumbnail, so that the one that scales to it is always the same program. */
const POSTER_SIDE_PX = 2 * THUMBNAIL_SIDE_PX;

/** Version of the ffmpeg that is installed; null if there is none, or it may not be started. */
export async function readFfmpegVersion(): Promise<string | null> {
  const [ffmpeg, ffprobe] = await Promise.all([
    run("ffmpeg", ["-hide_banner", "-version"]),
    run("ffprobe", ["-hide_banner", "-version"]),
  ]);
  if (ffmpeg?.code !== 0 || ffprobe?.code !== 0) return null;
  const text = new TextDecoder().decode(ffmpeg.stdout);
  return /^ffmpeg version (\S+)/.exec(text)?.[1] ?? "unknown";
}

/**
 * Asks ffprobe what a film is.
 *
 * `undefined` if ffprobe finds no picture of a sensible size in it; `null` if there is no ffprobe.
 *
 * @throws {AppError} `timeout` after DECODE_TIMEOUT_S.
 */
export async function probeVideoFacts(film: Film): Promise<VideoFacts | undefined | null> {
  const ended = await run("ffprobe", [
    ...["-v", "error", ...inputOptions(film)],
    ...["-of", "json", "-show_entries"],
    "format=duration:stream=codec_type,codec_name,width,height,avg_frame_rate,sample_aspect_ratio," +
    "duration:stream_side_data=rotation:stream_disposition=attached_pic",
    ...["-i", `file:${film.path}`],
  ]);
  if (ended === null) return null;
  if (ended.code !== 0) return undefined;
  return readProbe(ended.stdout);
}

/**
 * Takes a frame of a film as PNG, upright and with square pixels.
 *
 * `undefined` if none can be decoded; `null` if there is no ffmpeg. Cost: 50 to 300 ms in another process.
 *
 * @throws {AppError} `timeout` after DECODE_TIMEOUT_S.
 */
export async function grabFrame(
  film: Film,
  durationMs: number | null,
): Promise<Uint8Array | undefined | null> {
  const atSeconds = Math.min(POSTER_AT_MAX_S, (durationMs ?? 0) / 1_000 * POSTER_AT_SHARE);
  const frame = await grabFrameAt(film, atSeconds);
  // Behind the last key frame, or an index that lies: the first frame is better than none.
  return frame === undefined && atSeconds > 0 ? await grabFrameAt(film, 0) : frame;
}

async function grabFrameAt(
  film: Film,
  atSeconds: number,
): Promise<Uint8Array | undefined | null> {
  const side = POSTER_SIDE_PX;
  const ended = await run("ffmpeg", [
    ...["-hide_banner", "-nostdin", "-v", "error", "-threads", "1"],
    ...(atSeconds > 0 ? ["-ss", atSeconds.toFixed(3)] : []),
    ...inputOptions(film),
    ...["-max_pixels", String(IMAGE_PIXELS_MAX)],
    ...["-i", `file:${film.path}`, "-map", "0:V:0", "-frames:v", "1"],
    "-vf",
    `scale=trunc(iw*sar):ih,setsar=1,scale=${side}:${side}:force_original_aspect_ratio=decrease`,
    ...["-c:v", "png", "-f", "image2pipe", "pipe:1"],
  ]);
  if (ended === null) return null;
  return ended.code === 0 && ended.stdout.length > 0 ? ended.stdout : undefined;
}

function inputOptions(film: Film): string[] {
  return [
    ...["-protocol_whitelist", "file", "-format_whitelist", FORMATS_ALLOWED],
    ...["-f", DEMUXERS[film.ext]],
  ];
}

/** Stream of ffprobe's answer; everything in it may be missing or nonsense. */
type ProbedStream = {
  codec_type?: unknown;
  codec_name?: unknown;
  width?: unknown;
  height?: unknown;
  avg_frame_rate?: unknown;
  sample_aspect_ratio?: unknown;
  duration?: unknown;
  side_data_list?: { rotation?: unknown }[];
  disposition?: { attached_pic?: unknown };
};

function readProbe(bytes: Uint8Array): VideoFacts | undefined {
  let answer: { streams?: ProbedStream[]; format?: { duration?: unknown } };
  try {
    answer = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
  const streams = answer.streams ?? [];
  const picture = streams.find((stream) =>
    stream.codec_type === "video" && stream.disposition?.attached_pic !== 1
  );
  if (picture === undefined) return undefined;
  const isTurned = picture.side_data_list?.some(({ rotation }) => Number(rotation) % 180 !== 0) ??
    false;
  const shape = readRatio(picture.sample_aspect_ratio, ":") ?? 1;
  const sides = [Math.round(Number(picture.width) * shape), Number(picture.height)];
  const [width, height] = isTurned ? sides.toReversed() : sides;
  const seconds = Number(answer.format?.duration ?? picture.duration ?? 0);
  return checkVideoFacts({
    width,
    height,
    durationMs: Number.isFinite(seconds) ? seconds * 1_000 : null,
    frameRate: readRatio(picture.avg_frame_rate, "/"),
    codec: typeof picture.codec_name === "string" ? picture.codec_name : null,
    hasAudio: streams.some((stream) => stream.codec_type === "audio"),
  });
}

/** Reads `30000/1001` or `4:3`; null for nothing and for a part that is zero. */
function readRatio(text: unknown, sign: string): number | null {
  const [above, below] = String(text).split(sign).map(Number);
  return above > 0 && below > 0 && Number.isFinite(above / below) ? above / below : null;
}

type Ended = { code: number; stdout: Uint8Array };

/** Runs one of the two programs; null if it is not there or may not be started. */
async function run(program: "ffmpeg" | "ffprobe", args: readonly string[]): Promise<Ended | null> {
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    // Deno resolves the names when it starts: what was not there then may not be started later.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      return null;
    }
    throw error;
  }
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    kill(child);
  }, DECODE_TIMEOUT_S * 1_000);
  try {
    const stdout = await readBounded(child);
    const { code } = await child.status;
    if (isLate) {
      throw new AppError("timeout", `${program} did not end within ${DECODE_TIMEOUT_S} s`);
    }
    return { code, stdout };
  } finally {
    clearTimeout(timer);
  }
}

/** Reads what a program prints; one that prints too much is ended, and its answer is empty. */
async function readBounded(child: Deno.ChildProcess): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of child.stdout) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) {
      kill(child);
      chunks.length = 0;
    } else chunks.push(chunk);
  }
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It ended by itself in this moment.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}
