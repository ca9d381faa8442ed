import { accountForms } from './account-forms.ts';
import { accountPage } from './account-page.ts';
import { demandShown } from './account-visit.ts';
import { factorForms } from './factor-forms.ts';
import { landedPage } from './landed-page.ts';
import { oidcPages } from './oidc-pages.ts';
import type { PageRow } from './page.ts';
import type { SignInParts } from './parts.ts';
import { passkeyPages } from './passkey-pages.ts';
import { resumePages } from './resume-pages.ts';
import { secondFactorPages } from './second-factor-pages.ts';
import { signInPages } from './sign-in-pages.ts';
import { signOutPages } from './sign-out-pages.ts';

/** Gives the pages for people: everything that a browser needs to sign in, to stay signed in and to leave. */
export function peoplePages(parts: SignInParts): readonly PageRow[] {
  return [
    ...signInPages(parts),
    ...passkeyPages(parts),
    ...secondFactorPages(parts),
    ...oidcPages(parts),
    landedPage(parts),
    ...signOutPages(parts),
    ...[accountPage(parts), ...accountForms(parts), ...factorForms(parts)].map(shown),
    ...resumePages(parts),
  ];
}

/** What a passkey is asked with is the one thing of the account that a script, ours, has to read. */
function shown(row: PageRow): PageRow {
  if (row.path.endsWith('/options')) return row;
  return {
    ...row,
    page(visit) {
      demandShown(visit);
      return row.page(visit);
    },
  };
}
