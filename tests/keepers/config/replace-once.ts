/** Child of replace-file.spec.ts: replaces a file by a text of so many bytes and says what became of it. */
import { writeSync } from 'node:fs';
import { replaceFile } from '../../../keepers/config/replace-file';

const [file, bytes] = process.argv.slice(2) as [string, string];
let told = 'done';
try {
    replaceFile(file, 'n'.repeat(Number(bytes)), { synced: true });
} catch (error) {
    told = (error as NodeJS.ErrnoException).code!;
}
writeSync(1, `${told}\n`);
