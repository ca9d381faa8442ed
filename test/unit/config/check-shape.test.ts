import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { checkShape, type Shape } from '../../../src/config/check-shape.ts';
import { configJsonSchema } from '../../../src/config/document.ts';
import { SECTIONS } from '../../../src/config/schema/root.ts';

/** Values near what the schema wants, with something else here and there. */
function near(shape: Shape): fc.Arbitrary<unknown> {
  const other = {
    arbitrary: fc.constantFrom<unknown>(null, true, 0, 1.5, '', 'x', '30s', '1KiB', [], {}, ['a']),
    weight: 1,
  };
  return fc.oneof(other, { arbitrary: wanted(shape), weight: 12 });
}

function wanted(shape: Shape): fc.Arbitrary<unknown> {
  if (shape.anyOf !== undefined) return fc.oneof(...shape.anyOf.map(near));
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum);
  if (shape.const !== undefined) return fc.constant(shape.const);
  if (shape.quantity === 'duration') return fc.constantFrom('1s', '0s', '05s', '999d', '1 s', '10m');
  if (shape.type === 'array') return fc.array(near(shape.items ?? {}), { maxLength: 2 });
  if (shape.type === 'boolean') return fc.boolean();
  if (shape.type === 'string')
    return fc.constantFrom('a', 'a b', '', 'ä', '5s', '5KiB', '0B', 'x'.repeat(5000));
  if (shape.type === 'integer') return fc.constantFrom(0, 1, -1, 1.5, 2e9, 100);
  const named = Object.values(shape.patternProperties ?? {})[0];
  if (named !== undefined)
    return fc.dictionary(fc.constantFrom('a', 'b.c', ' '), near(named), {
      maxKeys: 2,
      noNullPrototype: true,
    });
  const inner = Object.entries(shape.properties ?? {}).map(([key, value]) => [key, near(value)] as const);
  const known = fc.record(Object.fromEntries(inner), {
    requiredKeys: [...(shape.required ?? [])],
    noNullPrototype: true,
  });
  return fc.oneof(
    { arbitrary: known, weight: 9 },
    { arbitrary: known.map((value) => ({ ...value, extra: 1 })), weight: 1 },
  );
}

test('whatever is accepted, an independent reader of the schema accepts too', () => {
  let accepted = 0;
  for (const schema of Object.values(SECTIONS)) {
    const shape = schema as Shape;
    fc.assert(
      fc.property(near(shape), (value) => {
        const sound = checkShape(shape, value, []).length === 0;
        if (sound) accepted += 1;
        if (sound) assert.ok(Value.Check(schema, value), JSON.stringify(value));
      }),
      { numRuns: 300 },
    );
  }
  assert.ok(accepted > 50, `only ${accepted} values were accepted`);
});

test('what is refused for its shape, an independent reader refuses too, durations that are too long aside', () => {
  for (const schema of Object.values(SECTIONS)) {
    const shape = schema as Shape;
    fc.assert(
      fc.property(near(shape), (value) => {
        const problems = checkShape(shape, value, []).filter(
          ({ message }) => !/^must be at most \d+d$/.test(message),
        );
        if (problems.length > 0)
          assert.equal(Value.Check(schema, value), false, JSON.stringify([value, problems]));
      }),
      { numRuns: 300 },
    );
  }
});

test('the JSON Schema for editors holds only keywords of JSON Schema', () => {
  const text = configJsonSchema();
  assert.doesNotMatch(text, /"(?:quantity|maximumMs|later|patternHint)"/);
  assert.doesNotMatch(text, /"secret": true/);
  assert.match(text, /"secret": \{/);
});
