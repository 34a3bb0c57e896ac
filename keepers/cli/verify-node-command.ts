import { readFileSync } from 'node:fs';
import { amdKdsUrl, AttestationError, KdsClient, KdsService, readPolicyFile, readSnpPolicyFile } from '../attestation';
import { CocoonError } from '../base';
import { readPinnedDeployment } from '../chain';
import { collateralService } from './judge-quote';
import { judgeNode, type JudgeNodeOptions, type NodeVerdict } from './node-verdict';
import { fetchServedNodes } from './served-nodes';
import { nodeGpuLines } from './node-gpus';
import { lines, rootText, verdictText } from './verdict-text';
import type { CommandResult } from './verify-quote-command';
import { snpVerdictText } from './verify-snp-command';

export interface VerifyNodeOptions {
    node?: string;
    deployment?: string;
    policy?: string;
    snpPolicy?: string;
    collateralUrl?: string;
    kdsUrl?: string;
    useServedCollateral?: boolean;
    apiKeyFile?: string;
    json?: boolean;
}

/**
 * `cocoon verify node`: judges what a gateway or a dispatcher serves without believing either. Registry lists and admission
 * are on chain and are the gateway's to read; this judges the evidence, its key bundle, and the network it names.
 */
export async function runVerifyNode(url: string, options: VerifyNodeOptions): Promise<CommandResult> {
    const judgeBy = await judgeByOf(options);
    const apiKey = options.apiKeyFile === undefined ? undefined : readApiKey(options.apiKeyFile);
    const { source, rows } = await fetchServedNodes(url, { nodeKey: nodeKeyOf(options.node), apiKey });
    if (rows.length === 0) {
        const what = options.node === undefined ? 'no node' : `no node ${options.node}`;
        throw new AttestationError('evidence_unusable', `the ${source} at ${url} serves evidence of ${what}`);
    }
    const nodes: NodeVerdict[] = [];
    for (const row of rows) nodes.push(withHint(await judgeNode(row, judgeBy), options));
    const verdict = nodes.every((node) => node.verdict === 'accepted') ? 'accepted' : 'rejected';
    const collateralFrom = judgeBy.service === undefined ? 'served' : 'service';
    const output = options.json
        ? JSON.stringify({ verdict, source, collateralFrom, nodes })
        : describe(nodes, { source, collateralFrom, rootPublicKey: judgeBy.rootPublicKey });
    return { output, exitCode: exitCodeOf(nodes) };
}

const chainRootChecks: ReadonlySet<NodeVerdict['failedCheck']> = new Set([
    'pck_chain_root',
    'vek_chain_root',
    'gpu_chain_root',
]);

/** A gateway has the network's root and its collateral service from its settings; here they have to be named. */
function withHint(node: NodeVerdict, options: VerifyNodeOptions): NodeVerdict {
    const hint = chainRootChecks.has(node.failedCheck)
        ? options.deployment === undefined &&
          'where this is a development network, judge by its root: --deployment FILE --collateral-url URL'
        : node.failedCheck === 'collateral_unavailable' &&
          options.collateralUrl === undefined &&
          !options.useServedCollateral &&
          'where the network has a service of its own, name it: --collateral-url URL';
    return hint ? { ...node, detail: `${node.detail}; ${hint}` } : node;
}

/** Where collateral is all that is missing, nothing was judged: that is not a rejection. */
function exitCodeOf(nodes: NodeVerdict[]): CommandResult['exitCode'] {
    const rejected = nodes.filter(({ verdict }) => verdict === 'rejected');
    if (rejected.length === 0) return 0;
    return rejected.every(({ failedCheck }) => failedCheck === 'collateral_unavailable') ? 2 : 1;
}

async function judgeByOf(options: VerifyNodeOptions): Promise<JudgeNodeOptions> {
    const { deployment: file, policy, collateralUrl, useServedCollateral, snpPolicy, kdsUrl = amdKdsUrl } = options;
    const deployment = file === undefined ? null : await readPinnedDeployment(file);
    return {
        rootPublicKey: deployment === null ? undefined : Buffer.concat([Buffer.from([4]), deployment.rootPublicKey]),
        gpuRootPublicKey: deployment?.gpuRootPublicKey,
        network: deployment?.registry.hash,
        policy: policy === undefined ? undefined : readPolicyFile(policy),
        service: useServedCollateral ? undefined : collateralService(collateralUrl),
        snp: {
            rootKeyHash: deployment?.snpRootKeyHash,
            policy: snpPolicy === undefined ? undefined : readSnpPolicyFile(snpPolicy),
            service: useServedCollateral ? undefined : new KdsService({ client: new KdsClient({ baseUrl: kdsUrl }) }),
        },
    };
}

function nodeKeyOf(node: string | undefined): string | undefined {
    if (node === undefined || /^[0-9a-fA-F]{64}$/.test(node)) return node?.toLowerCase();
    throw new CocoonError('argument_invalid', '--node must be the node’s key, 32 bytes in hex', { action: 'fix' });
}

function readApiKey(file: string): string {
    try {
        return readFileSync(file, 'utf8').trim();
    } catch (error) {
        throw new CocoonError('argument_invalid', `--api-key-file ${file} cannot be read`, {
            action: 'fix',
            cause: error,
        });
    }
}

function nodeText(node: NodeVerdict): string {
    const name = lines([['node', node.nodeKey ?? 'unreadable']]);
    const verdict = 'kind' in node ? snpVerdictText(node) : verdictText(node);
    return `${name}\n${verdict}\n${lines(nodeGpuLines(node.gpu))}`;
}

function describe(
    nodes: NodeVerdict[],
    { source, collateralFrom, rootPublicKey }: { source: string; collateralFrom: string; rootPublicKey?: Buffer },
): string {
    const head = lines([
        ['served by', source],
        ['collateral', collateralFrom === 'served' ? 'SERVED ALONG, perhaps the oldest still in force' : 'fetched'],
    ]);
    const each = nodes.map((node) => nodeText(node));
    return [`${head}\n${rootText(rootPublicKey)}`, ...each].join('\n\n');
}
