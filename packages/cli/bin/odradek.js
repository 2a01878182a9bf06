#!/usr/bin/env node
// The program in the workspace: what was built of the sources, as long as none of them has changed; else the sources.
// JavaScript, because the type stripper (40 ms) is loaded for the first TypeScript file that does not come out of the
// compile cache, and nothing can before that is on.
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
// Reports a folder that cannot be written in its result and goes on without.
enableCompileCache(join(cacheHome, 'odradek', 'compile-cache'));
const { freshProgram } = await import('../src/fresh-program.ts');
await import(freshProgram(resolve(import.meta.dirname, '../../..')) ?? './from-sources.js');
