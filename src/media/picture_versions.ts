import sharp from "sharp";

/** Versions of what decodes pictures. */
export type PictureVersions = { sharp: string; libvips: string };

/** Tells which sharp and which libvips are loaded. */
export function readPictureVersions(): PictureVersions {
  return { sharp: sharp.versions.sharp ?? "unknown", libvips: sharp.versions.vips };
}
