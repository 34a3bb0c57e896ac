import { open } from 'node:fs/promises';

/** Until then a file that was made or renamed in it may be gone after a power cut. */
export async function syncFolder(folder: string): Promise<void> {
    if (process.platform === 'win32') return;
    const handle = await open(folder, 'r');
    try {
        await handle.sync();
    } finally {
        await handle.close();
    }
}
