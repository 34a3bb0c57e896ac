import { CocoonError, errorMessage } from '../../base';
import type { CommandResult } from '../verify-quote-command';
import { AdminClient, type AdminTarget } from './admin-client';

export interface ActOptions extends AdminTarget {
    body: string;
    json?: boolean;
}

/** `cocoon admin <act>`: has a running role do something. Exit code 1 when it did not. */
export async function runAdminAct(name: string | undefined, options: ActOptions): Promise<CommandResult> {
    const client = AdminClient.at(options);
    if (name === undefined) return list(await client.view('/admin'), options.json ?? false);
    const { status, json } = await client.act(name, bodyOf(options.body));
    const done = status === 200;
    if (options.json) return { output: JSON.stringify(json), exitCode: done ? 0 : 1 };
    const { error, ...result } = json as { error?: { code: string; message: string } };
    const output = error === undefined ? JSON.stringify(result) : `${error.message} (${error.code})`;
    return { output, exitCode: done ? 0 : 1 };
}

function list({ json }: { json: Record<string, unknown> }, asJson: boolean): CommandResult {
    const { acts } = json as unknown as { acts: { name: string; description: string }[] };
    const lines = acts.map(({ name, description }) => `${name.padEnd(12)} ${description}`);
    return { output: asJson ? JSON.stringify(json) : lines.join('\n'), exitCode: 0 };
}

function bodyOf(text: string): object {
    try {
        const value: unknown = JSON.parse(text);
        if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
        throw new Error('it is no object');
    } catch (error) {
        throw new CocoonError('argument_invalid', `--body must be a JSON object: ${errorMessage(error)}`, {
            action: 'fix',
        });
    }
}
