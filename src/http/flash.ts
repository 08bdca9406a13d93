import type { PageMessage } from "./pages/message.tsx";

/** Messages that wait for their page; older ones are forgotten. */
const MESSAGES_KEPT_MAX = 100;

/**
 * Messages that a form's answer leaves for the page it redirects to, each shown once: what was done does
 * not stay in the address, and reloading the page does not do it again.
 */
export class FlashMessages {
  readonly #messages = new Map<string, PageMessage>();

  /** Keeps a message and gives the key for the address. */
  put(message: PageMessage): string {
    const key = crypto.randomUUID();
    this.#messages.set(key, message);
    if (this.#messages.size > MESSAGES_KEPT_MAX) {
      this.#messages.delete(this.#messages.keys().next().value!);
    }
    return key;
  }

  /** Takes a message out; null when there is none under this key. */
  take(key: string | undefined): PageMessage | null {
    const message = key === undefined ? undefined : this.#messages.get(key);
    if (key !== undefined) this.#messages.delete(key);
    return message ?? null;
  }
}
