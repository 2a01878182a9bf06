import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFetchRequest, writeFetchRequest } from '../../src/generated/fetch-request.ts';
import { writeFindCoordinatorRequest } from '../../src/generated/find-coordinator-request.ts';
import { readHeartbeatResponse, writeHeartbeatResponse } from '../../src/generated/heartbeat-response.ts';
import { writeMetadataRequest } from '../../src/generated/metadata-request.ts';
import { readProduceResponse, writeProduceResponse } from '../../src/generated/produce-response.ts';
import { FieldError } from '../../src/primitives/field-error.ts';
import { MalformedBytesError } from '../../src/primitives/protocol-error.ts';
import { Reader } from '../../src/primitives/reader.ts';
import { Writer } from '../../src/primitives/writer.ts';

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer();
  write(writer);
  return writer.toBuffer();
}

const FETCH = { maxWaitMs: 500, minBytes: 1, topics: [] };

describe('a value for a field that the version lacks', () => {
  it('is left out when the field is ignorable', () => {
    const bytes = written((writer) => writeFetchRequest(writer, { ...FETCH, rackId: 'here' }, 4));
    assert.equal(readFetchRequest(new Reader(bytes), 4).rackId, '');
  });

  it('is refused when it must not be lost', () => {
    const request = { coordinatorKeys: ['group'] };
    assert.throws(
      () => written((writer) => writeFindCoordinatorRequest(writer, request, 3)),
      (error: unknown) =>
        error instanceof FieldError &&
        /FindCoordinatorRequest\.coordinatorKeys in version 3/.test(error.message),
    );
  });

  it('is no matter when it is the default', () => {
    written((writer) => writeFindCoordinatorRequest(writer, { key: 'group', coordinatorKeys: [] }, 3));
    written((writer) => writeFetchRequest(writer, { ...FETCH, replicaState: { replicaId: -1 } }, 4));
  });

  it('is refused for tagged fields too', () => {
    const request = { ...FETCH, replicaState: { replicaId: 1, replicaEpoch: 2 } };
    assert.throws(() => written((writer) => writeFetchRequest(writer, request, 4)), FieldError);
    assert.throws(() => written((writer) => writeFetchRequest(writer, request, 14)), FieldError);
  });

  it('null is refused in versions whose field cannot be null', () => {
    assert.throws(() => written((writer) => writeMetadataRequest(writer, { topics: null }, 0)), FieldError);
    written((writer) => writeMetadataRequest(writer, { topics: null }, 1));
  });
});

describe('fields that are left out', () => {
  it('have their default in versions that have them', () => {
    const request = readFetchRequest(
      new Reader(written((writer) => writeFetchRequest(writer, FETCH, 11))),
      11,
    );
    assert.deepEqual(
      [
        request.replicaId,
        request.maxBytes,
        request.sessionEpoch,
        request.forgottenTopicsData,
        request.clusterId,
      ],
      [-1, 0x7fffffff, -1, [], null],
    );
  });

  it('tagged structs have a default that nobody can change for everybody', () => {
    const partition = { index: 0, errorCode: 0, baseOffset: 0 };
    const response = { responses: [{ name: 't', partitionResponses: [partition] }] };
    const bytes = written((writer) => writeProduceResponse(writer, response, 10));
    const { currentLeader } = readProduceResponse(new Reader(bytes), 10).responses[0]!.partitionResponses[0]!;
    assert.deepEqual(currentLeader, { leaderId: -1, leaderEpoch: -1 });
    assert.throws(() => (currentLeader.leaderId = 3), TypeError);
  });
});

describe('tagged fields', () => {
  const unknownTaggedFields = [
    { tag: 0, data: Buffer.from('first') },
    { tag: 300, data: Buffer.alloc(5000, 1) },
  ];

  it('that are unknown are kept', () => {
    const bytes = written((writer) =>
      writeHeartbeatResponse(writer, { errorCode: 0, unknownTaggedFields }, 4),
    );
    const response = readHeartbeatResponse(new Reader(bytes), 4);
    assert.deepEqual(response.unknownTaggedFields, unknownTaggedFields);
  });

  it('are written in the order of their tags, known and unknown', () => {
    const request = { ...FETCH, clusterId: 'c', unknownTaggedFields: [{ tag: 1, data: Buffer.from([9]) }] };
    const bytes = written((writer) => writeFetchRequest(writer, request, 12));
    assert.equal(bytes.subarray(-8).toString('hex'), '0200020263010109');
  });

  it('that are known in one version may be unknown in an earlier one', () => {
    const tags = [{ tag: 1, data: Buffer.from([9]) }];
    const bytes = written((writer) => writeFetchRequest(writer, { ...FETCH, unknownTaggedFields: tags }, 12));
    assert.deepEqual(readFetchRequest(new Reader(bytes), 12).unknownTaggedFields, tags);
  });

  it('may not stand twice under the tag of a known field', () => {
    const request = { ...FETCH, clusterId: 'c', unknownTaggedFields };
    assert.throws(() => written((writer) => writeFetchRequest(writer, request, 12)), /tag 0/);
  });

  it('with a size that their value does not have are refused', () => {
    const bytes = written((writer) => writeFetchRequest(writer, { ...FETCH, clusterId: 'cc' }, 12));
    const at = bytes.lastIndexOf(Buffer.from('03036363', 'hex'));
    for (const size of [2, 4]) {
      const lying = Buffer.concat([bytes, Buffer.alloc(4)]);
      lying[at] = size;
      assert.throws(() => readFetchRequest(new Reader(lying), 12), MalformedBytesError);
    }
  });

  it('more of them than there are bytes are refused', () => {
    assert.throws(
      () => readHeartbeatResponse(new Reader(Buffer.from('000000000000ffffffff07', 'hex')), 4),
      MalformedBytesError,
    );
  });
});
