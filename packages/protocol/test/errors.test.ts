import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode, KafkaError, errorMessage, errorName, isRetriable } from '../src/errors.ts';

describe('error codes', () => {
  it('are the numbers from -1 on without a gap, each with its name and a message', () => {
    const codes = Object.values(ErrorCode).toSorted((a, b) => a - b);
    assert.deepEqual(
      codes,
      Array.from({ length: codes.length }, (_, i) => i - 1),
    );
    for (const [name, code] of Object.entries(ErrorCode)) {
      assert.equal(errorName(code), name);
      assert.ok(errorMessage(code).length > 0);
    }
  });

  it('know whether the same request may succeed later', () => {
    assert.equal(isRetriable(ErrorCode.NOT_LEADER_OR_FOLLOWER), true);
    assert.equal(isRetriable(ErrorCode.OFFSET_OUT_OF_RANGE), false);
    assert.equal(isRetriable(ErrorCode.NONE), false);
  });

  it('of the future have a name of their own and are not retriable', () => {
    assert.equal(errorName(999), 'UNKNOWN_ERROR_999');
    assert.match(errorMessage(999), /999/);
    assert.equal(isRetriable(999), false);
  });

  it('make an error with the general meaning, or with what went wrong in particular', () => {
    const general = new KafkaError(ErrorCode.NOT_CONTROLLER);
    assert.equal(general.message, errorMessage(ErrorCode.NOT_CONTROLLER));
    assert.equal(general.codeName, 'NOT_CONTROLLER');
    assert.equal(general.retriable, true);
    assert.equal(
      new KafkaError(ErrorCode.INVALID_REQUEST, 'two topics of one name').message,
      'two topics of one name',
    );
  });
});
