import type { ApiKeyOrder, GatewayView } from '../admin/view.ts';
import type { ApiKeyView } from '../api-keys/api-key.ts';
import { GatewayError } from '../errors.ts';
import type { Foundation } from './foundation.ts';

/** Gives what the admin API may do with app passwords: the admin makes them for accounts. */
export function apiKeyView({ apiKeys, accounts }: Foundation): GatewayView['apiKeys'] {
  return {
    list: async (owner) => (await apiKeys.list(owner)).map(flat),
    revoke: (id) => apiKeys.revoke(id),
    async create({ owner, lifeSec, ...order }: ApiKeyOrder) {
      const account = await accounts.get(owner);
      if (account === undefined) {
        throw new GatewayError('SP_ADMIN_BAD_REQUEST', { problems: ['owner: there is no such account'] });
      }
      const { name, groups, email } = account;
      const { key, view } = await apiKeys.create({
        ...order,
        owner: { user: name, account: name, groups, email },
        ...(lifeSec !== undefined && { lifeMs: lifeSec * 1000 }),
      });
      return { key, ...flat(view) };
    },
  };
}

function flat({ bounds, ...view }: ApiKeyView): ApiKeyView['bounds'] & Omit<ApiKeyView, 'bounds'> {
  return { ...view, ...bounds };
}
