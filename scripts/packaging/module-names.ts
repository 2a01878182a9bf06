/** Where a module names another one of ours, by its source: in statements, `import()`, types and as a thread's program. */
const OWN_SOURCE =
  /(\b(?:from|import|new URL)\s*\(?\s*)(["'])((?:\.{1,2}|@odradek\/[a-z-]+)\/[^"'\n]+)\.ts\2/g;

/** What was made of a source, naming what was made of the others. */
export function namingModules(text: string): string {
  return text.replaceAll(OWN_SOURCE, '$1$2$3.js$2');
}
