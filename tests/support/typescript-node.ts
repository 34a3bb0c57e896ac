import path from 'node:path';

/** Options of Node for a process that runs TypeScript as `cocoon` does in a checkout. */
export const typescriptNode = ['--require', path.resolve(__dirname, '../../keepers/cli/typescript-sources.cjs')];
