import assert from 'node:assert/strict';

/**
 * Asserts that `actual` holds everything that `expected` does; fields that `expected` leaves out may have any
 * value.
 */
export function assertHolds(actual: unknown, expected: unknown, path: string): void {
  if (Buffer.isBuffer(expected)) {
    assert.ok(Buffer.isBuffer(actual) && actual.equals(expected), `${path}: bytes differ`);
  } else if (Array.isArray(expected)) {
    assert.ok(
      Array.isArray(actual) && actual.length === expected.length,
      `${path}: another number of elements`,
    );
    expected.forEach((element, i) => assertHolds(actual[i], element, `${path}[${i}]`));
  } else if (typeof expected === 'object' && expected !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${path}: ${String(actual)}`);
    for (const [name, value] of Object.entries(expected)) {
      assertHolds((actual as Record<string, unknown>)[name], value, `${path}.${name}`);
    }
  } else {
    // 0 and -0 are the same integer.
    assert.ok(actual === expected, `${path}: ${String(actual)} instead of ${String(expected)}`);
  }
}
