import { rmSync } from 'node:fs';
import { packageVersion, silentLogger } from '../../../keepers/base';
import { loadConfig } from '../../../keepers/config';
import { NodeLog } from '../../../keepers/ledger';
import { nodeFiles, type NodeTee, readNodeStatus, startNode } from '../../../keepers/node';
import { RoleTelemetry } from '../../../keepers/telemetry';
import { configured, folder } from '../cli/provider/configured-node';

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A start that ends at its deployment file, which names no network. */
async function startable() {
    const config = loadConfig('node', { file: await configured(), env: {} });
    rmSync(config.deploymentFile);
    const logger = silentLogger();
    const telemetry = new RoleTelemetry({ role: 'node', version: packageVersion(), logger });
    const start = () => startNode(config, {} as NodeTee, { logger, telemetry });
    return { config, start, status: () => readNodeStatus(nodeFiles(config).status) };
}

test('a node on the log of another is refused before it does anything, and leaves the other’s files alone', async () => {
    const { config, start, status } = await startable();
    const other = await NodeLog.open(config.receiptLogFile);
    await expect(start()).rejects.toMatchObject({ code: 'log_in_use' });
    expect(status()).toBeNull();
    await other.close();
});

test('a node that does not come up says why beside its log, and leaves the log to the next start', async () => {
    const { config, start, status } = await startable();
    await expect(start()).rejects.toMatchObject({ code: 'deployment_invalid' });
    expect(status()).toMatchObject({ phase: 'failed', failure: { code: 'deployment_invalid' } });
    await (await NodeLog.open(config.receiptLogFile)).close();
});
