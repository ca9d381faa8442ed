import { ERRORS } from '../src/errors.ts';

const INTRODUCTION = `# Errors

Generated from \`src/errors.ts\` by \`npm run docs\`; do not edit.

Every answer that the gateway itself makes carries one of these codes: as \`code\` of a problem document (RFC 9457), or on
the page that a browser gets, together with the id of the request, which is in the log. A code is never renamed.

| code | status | title | log level |
| --- | --- | --- | --- |
`;

/** Gives the reference of every error code as Markdown. */
export function errorsMarkdown(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, title, level }]) => `| \`${code}\` | ${status} | ${title} | ${level} |\n`,
  );
  return INTRODUCTION + rows.join('');
}
