import type { OpenStream } from './open-stream.ts';

/** Open streams by what they hang on, and by the second in which their credential ends. */
export class StreamIndex {
  readonly #byTag = new Map<string, Set<OpenStream>>();
  readonly #byEndSec = new Map<number, Set<OpenStream>>();

  add(stream: OpenStream, tags: readonly string[]): void {
    stream.tags = tags;
    for (const tag of tags) addTo(this.#byTag, tag, stream);
    const endSec = stream.admitted.ties?.expiresAtSec;
    if (endSec !== undefined) addTo(this.#byEndSec, endSec, stream);
  }

  /** Removes the stream as it was added: what it hangs on must not have changed since. */
  remove(stream: OpenStream): void {
    for (const tag of stream.tags) removeFrom(this.#byTag, tag, stream);
    stream.tags = [];
    const endSec = stream.admitted.ties?.expiresAtSec;
    if (endSec !== undefined) removeFrom(this.#byEndSec, endSec, stream);
  }

  /** Gives a list of its own, since cutting a stream removes it. */
  withTag(tag: string): readonly OpenStream[] {
    return [...(this.#byTag.get(tag) ?? [])];
  }

  /** Gives those whose credential has ended; costs one look at every distinct second in which one ends. */
  endedBy(nowSec: number): readonly OpenStream[] {
    const ended: OpenStream[] = [];
    for (const [endSec, streams] of this.#byEndSec) if (endSec <= nowSec) ended.push(...streams);
    return ended;
  }
}

function addTo<K>(map: Map<K, Set<OpenStream>>, key: K, stream: OpenStream): void {
  const streams = map.get(key);
  if (streams === undefined) map.set(key, new Set([stream]));
  else streams.add(stream);
}

function removeFrom<K>(map: Map<K, Set<OpenStream>>, key: K, stream: OpenStream): void {
  const streams = map.get(key);
  streams?.delete(stream);
  if (streams?.size === 0) map.delete(key);
}
