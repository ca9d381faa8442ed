import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts process times in hundredths of a second, whatever the kernel's own tick. */
const TICKS_PER_SECOND = 100;

/**
 * Gives the CPU time that a process, its threads and its living descendants have used, user and system, in microseconds.
 *
 * @see proc(5), /proc/pid/stat: utime and stime; resolution 10 ms
 */
export function cpuMicros(pid: number): number {
  const ticks = familyOf(pid).reduce((sum, member) => sum + ticksOf(member), 0);
  return (ticks / TICKS_PER_SECOND) * 1e6;
}

/** Gives the resident memory of a process and its living descendants in bytes. */
export function residentBytes(pid: number): number {
  return familyOf(pid).reduce((sum, member) => {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${member}/status`, 'utf8'))?.[1];
    return sum + Number(kib ?? 0) * 1024;
  }, 0);
}

function familyOf(pid: number): readonly number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    const fields = /^\d+$/.test(name) ? statFields(Number(name)) : undefined;
    if (fields !== undefined) parents.set(Number(name), Number(fields[1]));
  }
  const family = [pid];
  for (let index = 0; index < family.length; index += 1) {
    for (const [child, parent] of parents) if (parent === family[index]) family.push(child);
  }
  return family;
}

function ticksOf(pid: number): number {
  const fields = statFields(pid);
  return fields === undefined ? 0 : Number(fields[11]) + Number(fields[12]);
}

/** Fields from `state` on: the name before it may hold spaces and parentheses. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
