import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { labelsOfMetrics, namedMetrics } from './named-metrics';

const folder = path.resolve(__dirname, '../../deploy/monitoring');
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');

const ruleSchema = z.strictObject({
    alert: z.string().regex(/^Cocoon[A-Z][A-Za-z]+$/),
    expr: z.string().min(1),
    for: z
        .string()
        .regex(/^\d+[smh]$/)
        .optional(),
    labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
    annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook: z.string() }),
});
const rulesSchema = z.strictObject({
    groups: z.array(z.strictObject({ name: z.string(), rules: z.array(ruleSchema).min(1) })).min(1),
});
const dashboardSchema = z.object({
    panels: z
        .array(
            z.object({
                id: z.int(),
                type: z.enum(['row', 'stat', 'timeseries']),
                title: z.string(),
                targets: z.array(z.object({ expr: z.string() })).optional(),
            }),
        )
        .min(10),
});

const rules = rulesSchema.parse(parse(read('alerts.yml'))).groups.flatMap((group) => group.rules);
const dashboard = dashboardSchema.parse(JSON.parse(read('grafana-dashboard.json')));
const shown = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Series that Prometheus asks for, without what histograms append. */
function metricsOf(expressions: readonly string[]): Set<string> {
    const names = expressions.flatMap((expr) => expr.match(/\b(?:cocoon|nodejs|process)_[a-z0-9_]+/g) ?? []);
    return new Set(names.map((name) => name.replace(/_(bucket|sum|count)$/, '')));
}

describe('what is monitored', () => {
    let known: Map<string, string>;
    beforeAll(async () => (known = await namedMetrics()));

    const unknown = (expressions: readonly string[]) => [...metricsOf(expressions)].filter((name) => !known.has(name));

    test('every metric that a rule or the dashboard names is one that some role shows', () => {
        expect(unknown(rules.map(({ expr }) => expr))).toEqual([]);
        expect(unknown(shown)).toEqual([]);
    });

    test('every metric of Cocoon’s own is shown on the dashboard', () => {
        const own = [...known.keys()].filter((name) => name.startsWith('cocoon_'));
        expect(own.length).toBeGreaterThan(40);
        expect(own.filter((name) => !metricsOf(shown).has(name))).toEqual([]);
    });

    test('names follow Prometheus’ conventions: a unit or _total at the end, and counters alone have _total', () => {
        for (const [name, type] of known) {
            if (!name.startsWith('cocoon_')) continue;
            expect(name).toMatch(/^cocoon_[a-z]+(_[a-z]+)*$/);
            expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
            if (type === 'histogram') expect(name).toMatch(/_(seconds|bytes|operations)$/);
        }
    });

    test('no metric has a label that could name an escrow, a node, a caller or a model', async () => {
        const labels = await labelsOfMetrics();
        const allowed = [
            'outcome',
            'code',
            'check',
            'reason',
            'kind',
            'level',
            'volume',
            'role',
            'version',
            'node',
            'endpoint',
        ];
        const found = [...labels].filter(([name]) => name.startsWith('cocoon_')).flatMap(([, names]) => names);
        expect(found.filter((label) => !allowed.includes(label))).toEqual([]);
    });
});

describe('alerts', () => {
    const headings = new Map(
        readFileSync(path.resolve(folder, '../../docs/operations.md'), 'utf8')
            .split(/^### /m)
            .slice(1)
            .map((section) => [section.split('\n')[0]!.trim(), section]),
    );

    test('each has a runbook that says what it means, what to look at, what to do and how to verify', () => {
        for (const { alert, annotations } of rules) {
            expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
            const section = headings.get(alert);
            expect([alert, section]).not.toEqual([alert, undefined]);
            for (const part of ['**Means.**', '**Look at.**', '**Do.**', '**Verify.**'])
                expect([alert, section!.includes(part)]).toEqual([alert, true]);
        }
    });

    test('no runbook is left of an alert that is gone', () => {
        const alerts = new Set(rules.map(({ alert }) => alert));
        expect([...headings.keys()].filter((name) => name.startsWith('Cocoon') && !alerts.has(name))).toEqual([]);
    });

    test('none is there twice', () => {
        expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    });
});

/** Where there is no Prometheus, the forms above are all that is looked at. */
const promtool = spawnSync('promtool', ['--version']).status === 0 ? test : test.skip;

promtool('Prometheus takes the rules and the example, and the rules fire when they should', () => {
    for (const args of [
        ['check', 'config', 'prometheus.yml'],
        ['test', 'rules', 'alerts.test.yml'],
    ]) {
        const { status, stdout, stderr } = spawnSync('promtool', args, { cwd: folder, encoding: 'utf8' });
        expect([args.join(' '), status, status === 0 ? '' : stdout + stderr]).toEqual([args.join(' '), 0, '']);
    }
});
