import { type TSchema, Type } from 'typebox';

/** Letters, digits and `. _ @ * + -`; not a dot segment, because names become file names and paths. */
const NAME_PATTERN = '^(?!\\.{1,2}$)[A-Za-z0-9._@*+-]{1,128}$';

const strict = { additionalProperties: false };
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
/** Not bounded here: the checks of an upload say more clearly what is empty or too large, and the body has its bound. */
const pem = () => Type.String();
const instant = () =>
  Type.Integer({ minimum: 0, maximum: 253_402_300_799, description: 'Seconds since the epoch' });
const strings = () => Type.Array(Type.String());

/** Path with a name: `/v1/users/{name}`. */
export const NameParams = Type.Object({ name: Type.String({ pattern: NAME_PATTERN }) }, strict);

/** Path with the public id of a session. */
export const IdParams = Type.Object({ id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,128}$' }) }, strict);

const groups = Type.Array(text(128), { maxItems: 256 });

export const AccountBody = Type.Object(
  {
    password: Type.Optional(text(1024)),
    groups: Type.Optional(groups),
    email: Type.Optional(Type.String({ pattern: '^[^@\\s]{1,64}@[^@\\s]{1,189}$' })),
  },
  strict,
);

const passphrase = Type.Optional(text(1024));

/**
 * Gives the schema of a body that has one of two shapes. A refusal speaks of the one that was meant: the first if `key` is
 * there, the second otherwise. Whoever reads the description sees two alternatives.
 */
function oneOfTwo<First extends TSchema, Second extends TSchema>(key: string, first: First, second: Second) {
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
  return Type.Union([first, second], { type: 'object', if: { required: [key] }, then: first, else: second });
}

export const CertificateBody = oneOfTwo(
  'pkcs12',
  Type.Object({ pkcs12: pem(), passphrase }, { ...strict, title: 'PKCS#12, base64' }),
  Type.Object({ certificate: pem(), key: pem(), passphrase }, { ...strict, title: 'PEM' }),
);

export const RevocationBody = oneOfTwo(
  'jti',
  Type.Object({ jti: text(256) }, strict),
  Type.Object({ subject: text(256), before: Type.Optional(instant()) }, strict),
);

export const TokenBody = Type.Object(
  {
    subject: text(256),
    groups: Type.Optional(groups),
    ttlSec: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000, description: 'Default 3600' })),
  },
  strict,
);

const shortList = Type.Array(text(1088), { maxItems: 64 });

export const ApiKeyBody = Type.Object(
  {
    owner: text(128),
    name: text(64),
    routes: Type.Optional(shortList),
    methods: Type.Optional(shortList),
    addresses: Type.Optional(shortList),
    lifeSec: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_153_600_000 })),
  },
  strict,
);

export const OwnerQuery = Type.Object({ owner: Type.Optional(text(256)) }, strict);
export const SessionQuery = Type.Object({ user: Type.Optional(text(256)) }, strict);
export const SessionQueryRequired = Type.Object(
  {
    user: text(256),
    keys: Type.Optional(Type.Literal('true', { description: 'Ends the app passwords of the user as well' })),
  },
  strict,
);

export const ProblemAnswer = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    requestId: Type.String(),
    problems: Type.Optional(strings()),
  },
  { title: 'Problem', description: 'RFC 9457' },
);

export const AccountAnswer = Type.Object({
  name: Type.String(),
  groups: strings(),
  email: Type.Optional(Type.String()),
  createdAtSec: Type.Number(),
  updatedAtSec: Type.Number(),
});

export const CertificateAnswer = Type.Object({
  name: Type.String(),
  names: strings(),
  notBefore: Type.String(),
  notAfter: Type.String(),
  fingerprint256: Type.String(),
  keyType: Type.String(),
  source: Type.String(),
  served: Type.Boolean({
    description: 'Whether handshakes get it; of what is stored and cannot be read the other texts are empty.',
  }),
  problems: Type.Array(Type.String(), {
    description: 'Why what is stored under the name is not served: `word: sentence`.',
  }),
  previous: Type.Optional(
    Type.String({ description: 'Fingerprint of the pair that a rollback returns to.' }),
  ),
  rotatedAt: Type.Optional(Type.String({ description: 'When it was uploaded.' })),
});

export const CertificateDetailAnswer = Type.Object({
  ...CertificateAnswer.properties,
  subject: Type.Optional(Type.String()),
  issuer: Type.Optional(Type.String()),
  serialNumber: Type.Optional(Type.String({ description: 'Hexadecimal' })),
  signature: Type.Optional(Type.String()),
  chain: Type.Array(
    Type.Object({
      subject: Type.String(),
      issuer: Type.String(),
      notAfter: Type.String(),
      fingerprint256: Type.String(),
    }),
    { description: 'As it is sent, leaf first.' },
  ),
});

export const RotationAnswer = Type.Object({
  name: Type.String(),
  fingerprint256: Type.String(),
  previous: Type.Optional(Type.String()),
  confirmedBy: strings(),
  missing: Type.Array(Type.String(), {
    description:
      'Processes that were seen within a day and could not be asked: killed, or cut off and serving what they served.',
  }),
});

export const SessionAnswer = Type.Object({
  id: Type.String(),
  user: Type.String(),
  groups: strings(),
  email: Type.Optional(Type.String()),
  createdAtSec: Type.Number(),
  lastSeenSec: Type.Number(),
  expiresAtSec: Type.Number(),
  address: Type.Optional(Type.String()),
  device: Type.Optional(Type.String()),
});

export const StreamAnswer = Type.Object({
  id: Type.String(),
  user: Type.Optional(Type.String()),
  sessionId: Type.Optional(Type.String()),
  route: Type.String(),
  kind: Type.String({ description: 'websocket, sse or body' }),
  sinceSec: Type.Number(),
  bytes: Type.Number(),
});

export const ApiKeyAnswer = Type.Object({
  id: Type.String(),
  name: Type.String(),
  owner: Type.String(),
  routes: strings(),
  methods: strings(),
  addresses: strings(),
  createdAtSec: Type.Number(),
  expiresAtSec: Type.Optional(Type.Number()),
  lastUsedSec: Type.Optional(Type.Number()),
  lastAddress: Type.Optional(Type.String()),
});

export const NewApiKeyAnswer = Type.Object({
  key: Type.String({ description: 'Shown this once' }),
  ...ApiKeyAnswer.properties,
});

export const TokenAnswer = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Number(),
  session_id: Type.String(),
});

export const RouteAnswer = Type.Object({
  id: Type.String(),
  host: Type.String(),
  path: Type.String(),
  upstream: Type.String(),
  public: Type.Boolean(),
  accept: strings(),
  allow: Type.Unknown(),
});

export const UpstreamAnswer = Type.Object({
  name: Type.String(),
  targets: Type.Array(
    Type.Object({
      address: Type.String(),
      healthy: Type.Boolean(),
      active: Type.Number(),
      idle: Type.Number(),
    }),
  ),
});

export const ReadinessAnswer = Type.Object({
  ready: Type.Boolean(),
  generation: Type.Number(),
  state: Type.Object({ driver: Type.String(), up: Type.Boolean(), sinceMs: Type.Number() }),
  notes: strings(),
});

/** What is told without a credential: notes may name files and keys of the configuration. */
export const OpenReadinessAnswer = Type.Omit(ReadinessAnswer, ['notes']);

/** Numbers of a query are text: nothing is coerced. */
export const AuditQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]{0,2}|1000)$', description: 'Default 100' })),
    after: Type.Optional(
      Type.String({ pattern: '^[0-9a-f-]{1,64}$', description: '`id` of an entry: older ones' }),
    ),
  },
  strict,
);

const maybe = () => Type.Optional(Type.String());

export const AuditAnswer = Type.Object({
  id: Type.String(),
  time: Type.String(),
  who: Type.String({ description: 'admin-token, cli or system' }),
  address: maybe(),
  what: Type.String(),
  target: maybe(),
  outcome: Type.String({ description: 'done or failed' }),
  code: maybe(),
  before: maybe(),
  after: maybe(),
  rotation: maybe(),
  cause: Type.Optional(Type.String({ description: 'upload, acme, rollback, refused-by-clients or removal' })),
  processes: Type.Optional(strings()),
  missing: Type.Optional(strings()),
  problems: Type.Optional(strings()),
  process: Type.String(),
});

export const CountAnswer = Type.Object({ ended: Type.Integer() });
export const GenerationAnswer = Type.Object({ generation: Type.Integer() });
export const HealthAnswer = Type.Object({ status: Type.Literal('ok') });

/** Gives the answers of a route: what it gives on success, and a problem for everything else. */
export function answers<Success extends TSchema>(status: 200 | 204, schema: Success, also: object = {}) {
  return { [status]: schema, ...also, '4xx': ProblemAnswer, '5xx': ProblemAnswer };
}
