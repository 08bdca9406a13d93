import { SIDECAR_BYTES_MAX } from "../base/limits.ts";
import { writeJsonSidecar, writeTxtSidecar } from "../tags/sidecar_writer.ts";
import { type Database, explain, openReader } from "./database.ts";
import { readExportedImages, readExportSizes, readImageIds } from "./export.ts";
import { writeLibrarySections } from "./export_library.ts";

/** Images whose sidecars are made at a time. */
const IMAGES_AT_ONCE = 100;
/** About so long are the pieces of the library's own file. */
const PIECE_CHARACTERS = 262_144;

/** The sidecars of an image; null: this kind is not wanted, or it would be too long to be read again. */
export type ExportedSidecar = {
  id: number;
  filepath: string;
  md5: string;
  json: Uint8Array<ArrayBuffer> | null;
  txt: Uint8Array<ArrayBuffer> | null;
};

/** Reads a library for an export, all of it as of the moment at which it is made. Blocks its thread. */
export class ExportReader {
  readonly #db: Database;
  readonly #path: string;
  readonly #kinds: { json: boolean; txt: boolean };
  readonly #ids = new Set<number>();
  readonly #encoder = new TextEncoder();
  #after = -1;
  #sections: Generator<string> | undefined;

  /**
   * Opens the library and begins a read transaction.
   *
   * @throws {AppError} `not_found`, `corrupt` …
   */
  constructor(path: string, kinds: { json: boolean; txt: boolean }) {
    this.#path = path;
    this.#kinds = kinds;
    this.#db = openReader(path);
    this.#db.exec("BEGIN");
  }

  /** What there is to export. */
  get sizes(): { libraryId: string; images: number; bytes: number } {
    return this.#attempt(() => {
      const [libraryId] = this.#db.prepare(
        "SELECT value FROM library_state WHERE key = 'library_id'",
      ).value<[string]>()!;
      return { libraryId, ...readExportSizes(this.#db) };
    });
  }

  /** Sidecars of these images, or of the next ones; none when there are no more. */
  readSidecars(ids: readonly number[] | null): ExportedSidecar[] {
    return this.#attempt(() => {
      const wanted = ids ?? readImageIds(this.#db, { after: this.#after, limit: IMAGES_AT_ONCE });
      if (ids === null) this.#after = wanted.at(-1) ?? this.#after;
      else for (const id of ids) this.#ids.add(id);
      return readExportedImages(this.#db, wanted).map(({ id, filepath, saved }) => {
        const { json, txt } = this.#kinds;
        return {
          id,
          filepath,
          md5: saved.md5,
          json: json ? this.#encode(writeJsonSidecar(saved)) : null,
          txt: txt ? this.#encode(writeTxtSidecar(saved.tags)) : null,
        };
      });
    });
  }

  #encode(text: string): Uint8Array<ArrayBuffer> | null {
    const bytes = this.#encoder.encode(text);
    return bytes.length > SIDECAR_BYTES_MAX ? null : bytes;
  }

  /** The next piece of the library's own file, behind its header; null: it is complete. */
  readLibrarySections(isWhole: boolean): Uint8Array<ArrayBuffer> | null {
    return this.#attempt(() => {
      this.#sections ??= writeLibrarySections(this.#db, isWhole ? null : this.#ids);
      let text = "";
      while (text.length < PIECE_CHARACTERS) {
        const next = this.#sections.next();
        if (next.done === true) break;
        text += next.value;
      }
      return text === "" ? null : this.#encoder.encode(text);
    });
  }

  /** Ends the read transaction, which would keep the database's log. */
  close(): void {
    this.#db.close();
  }

  #attempt<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw explain(error, this.#path);
    }
  }
}
