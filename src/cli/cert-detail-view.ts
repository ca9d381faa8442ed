import { dayOf, expiryWords } from './expiry-words.ts';
import { type Labelled, labelledLines } from './labelled-lines.ts';
import type { Shell } from './shell.ts';
import { printJson, type Row, rowsOf } from './table.ts';

const WIDTH = 100;
/** Room of the labels. */
const LABEL = 13;

/** Prints all there is to know of one certificate, a line for each thing, or JSON for scripts. */
export function printCertificate(answer: unknown, json: boolean | undefined, shell: Shell): void {
  if (json === true) {
    printJson(answer, shell);
    return;
  }
  const row: Row = { ...Object(answer) };
  const lines: readonly Labelled[] = [
    ['name', textOf(row.name)],
    ['served', row.served === false ? 'no' : 'yes'],
    ['problems', textsOf(row.problems)],
    ['source', textOf(row.source)],
    ['rotated', momentOf(row.rotatedAt)],
    ['names', wrapped(textsOf(row.names), (shell.width ?? WIDTH) - LABEL)],
    ['begins', row.notBefore === '' ? '' : dayOf(row.notBefore)],
    ['ends', expiryWords(row.notAfter, Date.now())],
    ['issuer', textOf(row.issuer)],
    ['serial', textOf(row.serialNumber)],
    ['key', textOf(row.keyType)],
    ['signature', textOf(row.signature)],
    ['fingerprint', textOf(row.fingerprint256)],
    ['chain', rowsOf(row.chain).map(linkLine)],
    ['previous', previousLine(row)],
  ];
  shell.out(labelledLines(lines));
}

function linkLine({ subject, notAfter }: Row): string {
  return `${subject === '' ? '(no subject)' : subject}, ends ${dayOf(notAfter)}`;
}

function previousLine({ name, previous }: Row): readonly string[] {
  return previous === undefined
    ? []
    : [String(previous), `(return to it with: sallyport cert rollback ${name})`];
}

function momentOf(moment: unknown): string | undefined {
  return moment === undefined ? undefined : `${String(moment).slice(0, 19).replace('T', ' ')} UTC`;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Gives lines of names that are not wider than `width`, unless one name is. */
function wrapped(names: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const [at, name] of names.entries()) {
    const item = at === names.length - 1 ? name : `${name},`;
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + item.length > width) lines.push(item);
    else lines[lines.length - 1] = `${last} ${item}`;
  }
  return lines;
}
