import assert from 'node:assert/strict';

const RECORDS_SIZE = /SizeInBytes$/;

/**
 * Asserts that Java's contents, as its JSON converters print them, are ours: field by field, by name. Java
 * leaves out the fields that a version lacks and tagged fields with their default; of records it prints the size.
 *
 * @param ourName our name of a field, given Java's
 */
export function assertSameContents(
  ours: unknown,
  java: unknown,
  path: string,
  ourName: (javaName: string) => string = (javaName) => javaName,
): void {
  if (Array.isArray(java)) {
    assert.ok(Array.isArray(ours) && ours.length === java.length, `${path}: another number of elements`);
    java.forEach((element, i) => assertSameContents(ours[i], element, `${path}[${i}]`, ourName));
  } else if (typeof java === 'object' && java !== null) {
    assert.ok(typeof ours === 'object' && ours !== null, `${path}: ${String(ours)}`);
    for (const [javaName, value] of Object.entries(java)) {
      assertSameField(ours as Readonly<Record<string, unknown>>, javaName, value, path, ourName);
    }
  } else if (Buffer.isBuffer(ours)) {
    assert.equal(ours.toString('base64'), java, path);
  } else {
    assert.ok(ours === java, `${path}: ${String(ours)}, in Java ${String(java)}`);
  }
}

function assertSameField(
  ours: Readonly<Record<string, unknown>>,
  javaName: string,
  value: unknown,
  path: string,
  ourName: (javaName: string) => string,
): void {
  const recordsName = javaName.replace(RECORDS_SIZE, '');
  const records = ours[recordsName];
  if (recordsName !== javaName && Buffer.isBuffer(records)) {
    assert.equal(records.length, value, `${path}.${javaName}`);
    return;
  }
  const name = ourName(javaName);
  assert.ok(name in ours, `${path} has no field ${name}`);
  assertSameContents(ours[name], value, `${path}.${name}`, ourName);
}
