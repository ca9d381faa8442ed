import type { Ties } from '../exchange.ts';
import type { Notice } from '../state/notices.ts';

/** Gives the tag of what ended or changed; `undefined` for a notice that concerns no credential. */
export function endedTag(notice: Notice): string | undefined {
  switch (notice.kind) {
    case 'session-ended':
    case 'session-changed':
      return sessionTag(notice.id);
    case 'sessions-ended':
      return accountTag(notice.user);
    case 'account-changed':
    case 'account-removed':
      return accountTag(notice.name);
    case 'token-revoked':
      return tokenTag(notice.jti);
    case 'subject-revoked':
      return subjectTag(notice.subject);
    case 'api-key-ended':
      return apiKeyTag(notice.id);
    case 'certificate-changed':
    case 'certificate-staged':
      return undefined;
  }
}

/** Gives the tags of everything that a verified credential hangs on. */
export function tagsOf({ sessionId, account, jti, subject, apiKeyId }: Ties): string[] {
  const tags: string[] = [];
  if (sessionId !== undefined) tags.push(sessionTag(sessionId));
  if (account !== undefined) tags.push(accountTag(account));
  if (jti !== undefined) tags.push(tokenTag(jti));
  if (subject !== undefined) tags.push(subjectTag(subject));
  if (apiKeyId !== undefined) tags.push(apiKeyTag(apiKeyId));
  return tags;
}

const sessionTag = (id: string) => `session ${id}`;
const accountTag = (name: string) => `account ${name}`;
const tokenTag = (jti: string) => `token ${jti}`;
const subjectTag = (subject: string) => `subject ${subject}`;
const apiKeyTag = (id: string) => `api-key ${id}`;
