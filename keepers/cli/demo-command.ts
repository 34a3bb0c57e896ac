import { describeReport, runDemo } from '../devnet/demo/story';
import { toJson } from '../devnet/demo/report';

/** `cocoon demo`: progress on standard error, the account (or JSON) on standard output. Exit code 1 when a check failed. */
export async function runDemoCommand(options: { json?: boolean; keep?: boolean }): Promise<void> {
    const report = await runDemo({ progress: (line) => console.error(line), keep: options.keep ?? false });
    console.log(options.json ? toJson(report) : describeReport(report));
    if (!report.ok) process.exitCode = 1;
}
