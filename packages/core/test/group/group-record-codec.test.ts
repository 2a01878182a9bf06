import assert from 'node:assert/strict';
import { describe as suite, test } from 'node:test';
import { MalformedBytesError } from '@odradek/protocol/primitives/protocol-error.ts';
import { decodeGroupRecord, encodeGroupRecord } from '../../src/group/group-record-codec.ts';
import type { GroupRecord } from '../../src/group/group-records.ts';

/** Bytes from hexadecimal, field by field. */
function hex(...fields: string[]): Buffer {
  return Buffer.from(fields.join(''), 'hex');
}

const offsetRecord: GroupRecord = {
  kind: 'offset',
  groupId: 'g',
  topic: 't',
  partition: 7,
  value: { offset: 258, leaderEpoch: 3, metadata: 'm', commitTimestampMs: 16, expireTimestampMs: null },
};

const groupRecord: GroupRecord = {
  kind: 'group',
  groupId: 'g',
  value: {
    protocolType: 'consumer',
    generationId: 2,
    protocolName: 'range',
    leader: 'a',
    stateSinceMs: 1,
    members: [
      {
        memberId: 'a',
        groupInstanceId: null,
        clientId: 'c',
        clientHost: '/h',
        rebalanceTimeoutMs: 4,
        sessionTimeoutMs: 5,
        subscription: Buffer.from('s'),
        assignment: Buffer.from('x'),
      },
    ],
  },
};

suite('records of __consumer_offsets', () => {
  test('an offset is key version 1 and value version 3', () => {
    const { key, value } = encodeGroupRecord(offsetRecord);
    assert.deepEqual(key, hex('0001', '000167', '000174', '00000007'));
    assert.deepEqual(value!, hex('0003', '0000000000000102', '00000003', '00016d', '0000000000000010'));
  });

  test('an offset with its own expiry is value version 1', () => {
    const withExpiry = {
      ...offsetRecord,
      value: { ...offsetRecord.value!, leaderEpoch: -1, expireTimestampMs: 32 },
    };
    const { key, value } = encodeGroupRecord(withExpiry);
    assert.deepEqual(
      value!,
      hex('0001', '0000000000000102', '00016d', '0000000000000010', '0000000000000020'),
    );
    assert.deepEqual(decodeGroupRecord(key, value), withExpiry);
  });

  test('a group is key version 2 and value version 3', () => {
    const { key, value } = encodeGroupRecord(groupRecord);
    assert.deepEqual(key, hex('0002', '000167'));
    const member = [
      '000161',
      'ffff',
      '000163',
      '00022f68',
      '00000004',
      '00000005',
      '0000000173',
      '0000000178',
    ];
    assert.deepEqual(
      value!,
      hex(
        '0003',
        '0008636f6e73756d6572',
        '00000002',
        '000572616e6765',
        '000161',
        '0000000000000001',
        '00000001',
        ...member,
      ),
    );
  });

  test('what is written is read back, tombstones too', () => {
    const empty = {
      ...groupRecord.value!,
      protocolName: null,
      leader: null,
      stateSinceMs: null,
      members: [],
    };
    const records: GroupRecord[] = [
      offsetRecord,
      { ...offsetRecord, value: null },
      groupRecord,
      { ...groupRecord, value: empty },
      { ...groupRecord, value: null },
    ];
    for (const record of records) {
      const { key, value } = encodeGroupRecord(record);
      assert.deepEqual(decodeGroupRecord(key, value), record);
    }
  });

  test('values of old brokers are read: offsets of version 0, groups of version 0', () => {
    const { key } = encodeGroupRecord(offsetRecord);
    const oldOffset = hex('0000', '0000000000000102', '00016d', '0000000000000010');
    assert.deepEqual(decodeGroupRecord(key, oldOffset), {
      ...offsetRecord,
      value: { ...offsetRecord.value!, leaderEpoch: -1 },
    });
    const oldKey = Buffer.from(key);
    oldKey.writeInt16BE(0, 0);
    assert.deepEqual(decodeGroupRecord(oldKey, null), { ...offsetRecord, value: null });

    const oldGroup = hex(
      '0000',
      '0008636f6e73756d6572',
      '00000002',
      '000572616e6765',
      '000161',
      '00000001',
      '000161',
      '000163',
      '00022f68',
      '00000005',
      '0000000173',
      '0000000178',
    );
    const read = decodeGroupRecord(encodeGroupRecord(groupRecord).key, oldGroup);
    const [member] = groupRecord.value!.members;
    assert.deepEqual(read, {
      ...groupRecord,
      value: {
        ...groupRecord.value!,
        stateSinceMs: null,
        members: [{ ...member!, rebalanceTimeoutMs: 5 }],
      },
    });
  });

  test('kinds of records that are not of classic groups are left alone', () => {
    for (const type of [3, 4, 5, 6, 7, 8, 17, 200]) {
      const key = Buffer.from([0, type, 0, 1, 0x67]);
      assert.equal(decodeGroupRecord(key, null), null);
    }
  });

  test('values of an unknown version and cut values are refused', () => {
    const { key, value } = encodeGroupRecord(groupRecord);
    for (const version of [-1, 5, 99]) {
      const changed = Buffer.from(value!);
      changed.writeInt16BE(version, 0);
      assert.throws(() => decodeGroupRecord(key, changed), MalformedBytesError);
    }
    for (let size = 0; size < value!.length; size++) {
      assert.throws(() => decodeGroupRecord(key, value!.subarray(0, size)), MalformedBytesError);
    }
    for (let size = 0; size < key.length; size++) {
      assert.throws(() => decodeGroupRecord(key.subarray(0, size), value), MalformedBytesError);
    }
  });
});
