#!/usr/bin/env node
// The program's first file in the workspace; what is published begins with src/main.ts. JavaScript, because the type
// stripper (40 ms) is loaded for the first TypeScript file that does not come out of the compile cache, and nothing can
// before that is on.
import { enableCompileCache, registerHooks } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

const cacheHome = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
// Reports a folder that cannot be written in its result and goes on without.
enableCompileCache(join(cacheHome, 'odradek', 'compile-cache'));

/** Where each of our packages has its sources, as Node found with the first of them. */
const sources = new Map();
const OURS = /^(@odradek\/[a-z]+\/)(.+\.ts)$/;
const TYPESCRIPT = { format: 'module-typescript', shortCircuit: true };

/**
 * Where a module lies. Our own, hundreds of them, name each other by their files, so that nothing has to be looked
 * for on the disk, which was a third of a start. Node resolves all others.
 */
function resolveModule(specifier, context, resolve) {
  const isRelative = specifier.startsWith('./') || specifier.startsWith('../');
  if (isRelative && specifier.endsWith('.ts')) {
    return { url: new URL(specifier, context.parentURL).href, ...TYPESCRIPT };
  }
  const [, ours, file] = OURS.exec(specifier) ?? [];
  if (ours === undefined) return resolve(specifier, context);
  const known = sources.get(ours);
  if (known !== undefined) return { url: known + file, ...TYPESCRIPT };
  const first = resolve(specifier, context);
  if (first.url.endsWith(`/${file}`)) sources.set(ours, first.url.slice(0, -file.length));
  return first;
}

registerHooks({ resolve: resolveModule });
await import('../src/main.ts');
