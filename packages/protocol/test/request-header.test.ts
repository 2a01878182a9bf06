import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiTable } from '../src/generated/api-table.ts';
import { writeRequestHeader as writeGeneratedRequestHeader } from '../src/generated/request-header.ts';
import { MalformedBytesError } from '../src/primitives/protocol-error.ts';
import { Reader } from '../src/primitives/reader.ts';
import { Writer } from '../src/primitives/writer.ts';
import {
  readRequestHeader,
  readResponseHeader,
  requestHeaderVersion,
  responseHeaderVersion,
  writeRequestHeader,
  writeResponseHeader,
} from '../src/request-header.ts';

const API_VERSIONS = 18;
const CONTROLLED_SHUTDOWN = 7;
const METADATA = 3;

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer();
  write(writer);
  return writer.toBuffer();
}

describe('request headers', () => {
  it('survive for every API and version, and leave the reader at the body', () => {
    for (const { key, versionMin, versionMax } of apiTable) {
      for (let apiVersion = versionMin; apiVersion <= versionMax; apiVersion++) {
        const clientId = requestHeaderVersion(key, apiVersion) === 0 ? null : 'a client';
        const header = { apiKey: key, apiVersion, correlationId: -5, clientId };
        const bytes = written((writer) => {
          writeRequestHeader(writer, header);
          writer.int8(77);
        });
        const reader = new Reader(bytes);
        assert.deepEqual(readRequestHeader(reader), header);
        assert.equal(reader.int8(), 77);
      }
    }
  });

  it('are those of the schema', () => {
    const header = { correlationId: 7, clientId: 'é' };
    for (const { key, versionMin, versionMax } of apiTable) {
      for (let apiVersion = versionMin; apiVersion <= versionMax; apiVersion++) {
        const ours = written((writer) => writeRequestHeader(writer, { apiKey: key, apiVersion, ...header }));
        const version = requestHeaderVersion(key, apiVersion);
        const { correlationId, clientId } = header;
        const generated = { requestApiKey: key, requestApiVersion: apiVersion, correlationId };
        const bySchema = written((writer) =>
          writeGeneratedRequestHeader(
            writer,
            version === 0 ? generated : { ...generated, clientId },
            version,
          ),
        );
        assert.equal(ours.toString('hex'), bySchema.toString('hex'));
      }
    }
  });

  it('pitfall 15: the client id of header v2 has a 16-bit length and may be null', () => {
    const named = readRequestHeader(new Reader(Buffer.from('00030009000000010002616200', 'hex')));
    assert.deepEqual(named, { apiKey: METADATA, apiVersion: 9, correlationId: 1, clientId: 'ab' });
    const anonymous = new Reader(Buffer.from('0003000900000001ffff00', 'hex'));
    assert.equal(readRequestHeader(anonymous).clientId, null);
    assert.equal(anonymous.remaining, 0);
  });

  it('ControlledShutdown v0 alone has no client id', () => {
    assert.equal(requestHeaderVersion(CONTROLLED_SHUTDOWN, 0), 0);
    assert.equal(requestHeaderVersion(CONTROLLED_SHUTDOWN, 1), 1);
    const reader = new Reader(Buffer.from('000700000000000900000001', 'hex'));
    assert.equal(readRequestHeader(reader).clientId, null);
    assert.equal(reader.int32(), 1);
  });

  it('tagged fields in a header are passed over', () => {
    const reader = new Reader(Buffer.from('0003000900000001ffff02050161070200004d', 'hex'));
    readRequestHeader(reader);
    assert.equal(reader.int8(), 0x4d);
  });

  it('of an unknown API the numbers are read and nothing more', () => {
    const header = readRequestHeader(new Reader(Buffer.from('7fff000000000001ff', 'hex')));
    assert.deepEqual(header, { apiKey: 0x7fff, apiVersion: 0, correlationId: 1, clientId: null });
  });

  it('of a version from the future have the form of the newest', () => {
    assert.equal(requestHeaderVersion(API_VERSIONS, 99), 2);
    assert.equal(requestHeaderVersion(METADATA, -1), 1);
  });

  it('that are cut off are refused', () => {
    assert.throws(
      () => readRequestHeader(new Reader(Buffer.from('00030009000000', 'hex'))),
      MalformedBytesError,
    );
    assert.throws(
      () => readRequestHeader(new Reader(Buffer.from('000300090000000100056162', 'hex'))),
      MalformedBytesError,
    );
  });
});

describe('response headers', () => {
  it('survive for every API and version', () => {
    for (const { key, versionMin, versionMax } of apiTable) {
      for (let version = versionMin; version <= versionMax; version++) {
        const reader = new Reader(written((writer) => writeResponseHeader(writer, key, version, 12345)));
        assert.equal(readResponseHeader(reader, responseHeaderVersion(key, version)).correlationId, 12345);
        assert.equal(reader.remaining, 0);
      }
    }
  });

  it('pitfall 1: ApiVersions answers with header v0 in every version, no other flexible API does', () => {
    for (const { key, versionMax, flexibleFrom } of apiTable) {
      const expected = flexibleFrom !== null && key !== API_VERSIONS ? 1 : 0;
      assert.equal(responseHeaderVersion(key, versionMax), expected);
    }
    assert.equal(
      written((writer) => writeResponseHeader(writer, API_VERSIONS, 3, 1)).toString('hex'),
      '00000001',
    );
    assert.equal(
      written((writer) => writeResponseHeader(writer, METADATA, 9, 1)).toString('hex'),
      '0000000100',
    );
  });
});
