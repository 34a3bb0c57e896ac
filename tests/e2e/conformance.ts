/**
 * `npm run conformance -- [--update]`: runs the tests that docs/openai.md's table comes from. Without `--update` the
 * exit code tells whether the committed table is what they give.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const flags = process.argv.slice(2);
const unknown = flags.filter((flag) => flag !== '--update');
if (unknown.length > 0) {
    process.stderr.write(`unknown: ${unknown.join(' ')}\n`);
    process.exit(2);
}
const jest = createRequire(__filename).resolve('jest/bin/jest');
const env = { ...process.env, COCOON_UPDATE_CONFORMANCE: flags.includes('--update') ? '1' : '0' };
const { status } = spawnSync(process.execPath, [jest, '-i', 'tests/e2e/openai-surface.spec.ts'], {
    stdio: 'inherit',
    env,
});
process.exitCode = status ?? 1;
