/** Lowest patched runtime of each line: below it a client can end the process or meet another host's certificate. */
const FLOORS: ReadonlyMap<number, readonly [number, number]> = new Map([
  [24, [22, 3]],
  [26, [13, 1]],
]);

/** Gives the lowest safe version when the runtime is below it, `undefined` when it is good. @param version - as `26.13.1` */
export function runtimeFloor(version: string): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const floor = FLOORS.get(major);
  if (floor === undefined) return major > Math.max(...FLOORS.keys()) ? undefined : '26.13.1';
  const [floorMinor, floorPatch] = floor;
  const below = minor < floorMinor || (minor === floorMinor && patch < floorPatch);
  return below ? `${major}.${floorMinor}.${floorPatch}` : undefined;
}
