import { statSync } from 'node:fs';

export interface WatchOptions {
  /** Time between two looks, milliseconds; default 1000. */
  readonly intervalMs?: number;
  /** How long everything must be quiet before the call, milliseconds; default 500. */
  readonly quietMs?: number;
}

/**
 * Calls back once after any of the files changed, appeared or went away, and everything was quiet for a while.
 *
 * Looks at time, size and inode of each file instead of asking the kernel: that also sees files that are replaced
 * through a symbolic link, as Kubernetes mounts them. Does not keep the process alive.
 *
 * @param files - absolute paths
 * @returns stops watching; safe to call twice
 */
export function watchFiles(
  files: readonly string[],
  onChange: () => void,
  options: WatchOptions = {},
): () => void {
  const { intervalMs = 1000, quietMs = 500 } = options;
  let last = fingerprint(files);
  let changedAtMs: number | undefined;
  const look = (): void => {
    const now = fingerprint(files);
    if (now !== last) {
      last = now;
      changedAtMs = performance.now();
    } else if (changedAtMs !== undefined && performance.now() - changedAtMs >= quietMs) {
      changedAtMs = undefined;
      onChange();
    }
  };
  const timer = setInterval(look, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function fingerprint(files: readonly string[]): string {
  return files
    .map((file) => {
      const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
      return stat === undefined ? 'absent' : `${stat.ino}:${stat.size}:${stat.mtimeNs}`;
    })
    .join('\n');
}
