import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { type Finding, finding } from './diagnosis.ts';

/** Tells where notices about certificates go; nobody is asked. Security: the path of the URL often holds a token and is not shown. */
export function examineWebhook({ observe: { webhook } }: Config): Finding[] {
  if (webhook === undefined) return [];
  const { host } = new URL(webhook.url.reveal());
  const { trust } = webhook;
  if (trust !== undefined && !/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(read(trust)))
    return [finding('warn', 'webhook', `${trust} holds no certificate: nothing can be sent to ${host}`)];
  const signed = webhook.secret === undefined ? ', not signed' : '';
  return [finding('ok', 'webhook', `notices about certificates go to ${host}${signed}`)];
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
