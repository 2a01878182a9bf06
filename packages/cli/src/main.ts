#!/usr/bin/env node
// The first file of the published program: nothing of it is loaded before the compile cache is on, or by a Node.js
// that could not run it. In the workspace bin/odradek.js stands before it.
import * as nodeModule from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const NODE_MAJOR_MIN = 24;

if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
  process.stderr.write(
    `odradek: this is Node.js ${process.versions.node}; ${NODE_MAJOR_MIN} or newer is needed\n`,
  );
  process.exitCode = 1;
} else {
  const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  // Reports a folder that cannot be written in its result and goes on without.
  nodeModule.enableCompileCache(join(cacheHome, 'odradek', 'compile-cache'));
  const { runProgram } = await import('./program.ts');
  process.exitCode = await runProgram(process.argv.slice(2), {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
  });
}
