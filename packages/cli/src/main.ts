#!/usr/bin/env node
// Nothing but the compile cache is imported before it is on: it makes every later start faster.
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
// Reports a folder that cannot be written in its result and goes on without.
enableCompileCache(join(cacheHome, 'odradek', 'compile-cache'));

const { runProgram } = await import('./program.ts');
process.exitCode = await runProgram(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
});
