import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openFilesForLogs } from '../../src/adapters/open-file-limit.ts';

function limits(soft: string): string {
  return `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${soft.padEnd(20)} ${soft.padEnd(20)} files\n`;
}

test('three quarters of the open files that the system allows are for logs', () => {
  assert.equal(openFilesForLogs(limits('21000')), 15_000);
  assert.equal(openFilesForLogs(limits('1024')), 128);
  assert.equal(openFilesForLogs(limits('1048576')), 100_000);
  assert.equal(openFilesForLogs(limits('unlimited')), 100_000);
  assert.equal(openFilesForLogs('nothing of the kind'), 4096);
  assert.equal(openFilesForLogs(null), 4096);
  assert.ok(openFilesForLogs() >= 128);
});
