const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
];

/** Browsers without a person, and programs that name themselves like one. */
const PROGRAMS: readonly RegExp[] = [
  /\b(HeadlessChrome|PhantomJS|Electron|Puppeteer|Playwright)\b/,
  /\b([\w-]{0,30}(?:bot|crawler|spider))\b/i,
  /^([A-Za-z][\w.-]{0,30})\/\d/,
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:iPhone|iPod)\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\b(?:Macintosh|Mac OS X)\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

const TOKEN = 'Token for ';

/** Gives what stands in the place of a `User-Agent` in a session that a token is bound to; `deviceName` gives it back. */
export function tokenDevice(program: string): string {
  return TOKEN + program;
}

/** Gives a short name for what calls itself by a `User-Agent`, e.g. `Firefox on Linux`. It is a hint and proves nothing. */
export function deviceName(userAgent: string | undefined): string {
  if (userAgent === undefined || userAgent === '') return 'Unknown device';
  if (userAgent.startsWith(TOKEN)) return userAgent;
  const program = programName(userAgent);
  if (program !== undefined) return program;
  const browser = BROWSERS.find(([pattern]) => pattern.test(userAgent))?.[1];
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent))?.[1];
  if (browser === undefined) return system ?? 'Unknown device';
  return system === undefined ? browser : `${browser} on ${system}`;
}

function programName(userAgent: string): string | undefined {
  const [name] = PROGRAMS.map((pattern) => pattern.exec(userAgent)?.[1]).filter(
    (found) => found !== undefined,
  );
  return name === 'Mozilla' || name === 'Opera' ? undefined : name;
}
