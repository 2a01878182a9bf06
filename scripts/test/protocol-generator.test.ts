import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { array, field, message, struct } from '../../packages/protocol/src/schema/notation.ts';
import { messageFile } from '../protocol-generator/message-file.ts';
import { constantCase, kebabCase } from '../protocol-generator/names.ts';
import { covers, parseRange, versionCondition } from '../protocol-generator/versions.ts';

const ALL = { min: 0, max: 9 };

describe('ranges of versions', () => {
  it('are one version, two ends, or open to the end of what is around them', () => {
    assert.deepEqual(parseRange('3', ALL), { min: 3, max: 3 });
    assert.deepEqual(parseRange('3-5', ALL), { min: 3, max: 5 });
    assert.deepEqual(parseRange('3+', ALL), { min: 3, max: 9 });
    assert.equal(parseRange('12+', ALL), null);
    assert.throws(() => parseRange('3..5', ALL), /write 3, 3-5 or 3\+/);
  });

  it('become the shortest condition that tells them from their surroundings', () => {
    assert.equal(versionCondition(ALL, ALL), null);
    assert.equal(versionCondition({ min: 3, max: 9 }, ALL), 'version >= 3');
    assert.equal(versionCondition({ min: 0, max: 3 }, ALL), 'version <= 3');
    assert.equal(versionCondition({ min: 0, max: 0 }, ALL), 'version === 0');
    assert.equal(versionCondition({ min: 3, max: 3 }, ALL), 'version === 3');
    assert.equal(versionCondition({ min: 3, max: 5 }, ALL), 'version >= 3 && version <= 5');
  });

  it('cover what lies within them', () => {
    assert.equal(covers(ALL, { min: 9, max: 9 }), true);
    assert.equal(covers({ min: 0, max: 8 }, ALL), false);
    assert.equal(covers(null, ALL), false);
  });
});

describe('names', () => {
  it('of files and constants follow from those of messages', () => {
    assert.equal(kebabCase('LeaderAndIsrRequest'), 'leader-and-isr-request');
    assert.equal(kebabCase('KRaftVersionRecord'), 'kraft-version-record');
    assert.equal(constantCase('OffsetCommitKey'), 'OFFSET_COMMIT_KEY');
  });
});

describe('a generated file', () => {
  const part = struct('Part', [field('id', 'int32'), field('note', 'string', { versions: '2+' })]);

  it('refuses counts by the smallest element that any of its versions can have', () => {
    const source = messageFile(
      message('Sample', { versions: '0-3', flexible: '3+', fields: [field('parts', array(part))] }),
    );
    assert.match(source, /reader\.compactArrayLength\(6\) : reader\.arrayLength\(4\)/);
  });

  it('says what is wrong with a schema that names two structs alike', () => {
    const other = struct('Part', [field('id', 'int64')]);
    const schema = message('Sample', {
      versions: '0',
      fields: [field('a', array(part)), field('b', array(other))],
    });
    assert.throws(() => messageFile(schema), /two structs of one name/);
  });
});
