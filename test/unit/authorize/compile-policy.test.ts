import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compilePolicy } from '../../../src/authorize/compile-policy.ts';
import { CRITERIA } from '../../../src/authorize/criteria.ts';
import { AllowSchema } from '../../../src/config/schema/allow.ts';

test('every key that `allow` may be written with has a criterion', () => {
  const written = AllowSchema.anyOf.flatMap((form) =>
    'properties' in form ? Object.keys(form.properties) : [],
  );
  assert.ok(written.length > 0);
  assert.deepEqual(Object.keys(CRITERIA).sort(), written.sort());
});

test('every key of a policy is asked, in the order of the table', () => {
  const tests = compilePolicy({
    addresses: ['10.0.0.0/8'],
    methods: ['GET'],
    claims: { department: ['physics'] },
    emails: ['*@example.com'],
    groups: ['ops'],
    users: ['ada'],
  });
  assert.deepEqual(
    tests.map(({ reason }) => reason),
    Object.values(CRITERIA).map(({ reason }) => reason),
  );
  assert.deepEqual(compilePolicy({}), []);
});
