/** What a film is, whoever found it out. */
export type VideoFacts = {
  /** As it is shown: turned, with the shape of its pixels. */
  width: number;
  height: number;
  /** `null` if nobody can say, as of streams that are still being written. */
  durationMs: number | null;
  /** Frames a second, on average. */
  frameRate: number | null;
  /** Name of the video codec as ffmpeg has it: h264, hevc, vp8, vp9, av1 … */
  codec: string | null;
  hasAudio: boolean | null;
};

/** Widest side of a film that is believed. */
const SIDE_MAX_PX = 32_768;
/** Longest film that is believed: a year. */
const DURATION_MAX_MS = 366 * 24 * 3_600_000;
/** Frames a second that are believed. */
const FRAME_RATE_MAX = 1_000;
const CODEC = /^[a-z0-9_]{1,32}$/;

/** Facts without what cannot be; `undefined` without a sensible size. */
export function checkVideoFacts(facts: VideoFacts): VideoFacts | undefined {
  if (!isSide(facts.width) || !isSide(facts.height)) return undefined;
  const { durationMs, frameRate, codec } = facts;
  return {
    ...facts,
    durationMs: isBetween(durationMs, DURATION_MAX_MS) ? Math.round(durationMs) : null,
    frameRate: isBetween(frameRate, FRAME_RATE_MAX) ? Math.round(frameRate * 1_000) / 1_000 : null,
    codec: codec !== null && CODEC.test(codec) ? codec : null,
  };
}

function isSide(px: number): boolean {
  return Number.isInteger(px) && px >= 1 && px <= SIDE_MAX_PX;
}

function isBetween(value: number | null, max: number): value is number {
  return value !== null && value > 0 && value <= max;
}
