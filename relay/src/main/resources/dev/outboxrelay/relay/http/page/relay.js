/** Asks the relay. */

const PATIENCE_MILLIS = 5000;

/** The relay did not answer, or with an error. */
export class NoAnswer extends Error {}

/** The JSON at a path, or null if the relay does not know what is asked for. */
export async function ask(path, outbox = null) {
  const query = outbox === null ? "" : `?outbox=${encodeURIComponent(outbox)}`;
  try {
    const response = await fetch(path + query, { signal: AbortSignal.timeout(PATIENCE_MILLIS) });
    if (response.status === 404) {
      return null;
    }
    if (response.ok) {
      return await response.json();
    }
  } catch (cause) {
    throw new NoAnswer(path, { cause });
  }
  throw new NoAnswer(path);
}

/** The relay's time as it goes on here: this host's clock may be wrong. */
export class RelayClock {
  #offset = Date.now() - performance.now();

  /** What the relay says it is now. */
  set(millis) {
    this.#offset = millis - performance.now();
  }

  now() {
    return this.#offset + performance.now();
  }
}
