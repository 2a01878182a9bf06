// After `npm ci` and `npm install`: the native part, and the program as it is built. What is missing for either is no
// failure, with `--omit=dev` for one: all works without them, more slowly.
import './build-native.ts';

function isInstalled(name: string): boolean {
  try {
    return import.meta.resolve(name) !== '';
  } catch {
    return false;
  }
}

if (isInstalled('esbuild')) {
  process.argv.push('--program');
  await import('./build.ts');
} else {
  process.stderr.write('The program was not built, for lack of esbuild: it runs from its sources.\n');
}
