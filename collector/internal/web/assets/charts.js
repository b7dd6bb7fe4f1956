// Charts of the host, drawn from its metrics while the page is visible. Nothing is
// kept on the host: the charts begin when the page is opened.
'use strict';
(() => {
  const live = document.getElementById('live');
  if (!live || !window.uPlot) return;

  const firstPause = 1000, pause = 5000, failurePause = 15000; // milliseconds between two scrapes
  const maxPoints = 360;
  const maxLines = 6;
  const keptSeconds = 60; // of scrapes, for rates over a longer time

  // A scrape is its time in seconds, and by family the value of each series by the
  // text of its labels.
  const parse = (text, time) => {
    const families = new Map();
    for (const line of text.split('\n')) {
      if (!line || line[0] === '#') continue;
      const end = line.lastIndexOf(' '), brace = line.indexOf('{');
      const name = line.slice(0, brace < 0 ? end : brace);
      if (!families.has(name)) families.set(name, new Map());
      families.get(name).set(brace < 0 ? '' : line.slice(brace, end), Number(line.slice(end + 1)));
    }
    return {time, families};
  };
  const label = (labels, name) => labels.match('[{,]' + name + '="((?:[^"\\\\]|\\\\.)*)"')?.[1] ?? '';
  const series = (scrape, family) => scrape.families.get(family) ?? new Map();
  const single = (scrape, family) => series(scrape, family).get('');

  // rates returns the sums of the rates of a family's series by a key. A counter that
  // is lower than before was reset, and has counted from zero.
  const rates = (now, before, family, keyOf) => {
    const sums = new Map(), old = series(before, family);
    for (const [labels, value] of series(now, family)) {
      const key = keyOf(labels), last = old.get(labels);
      if (key === null || last === undefined || !Number.isFinite(value)) continue;
      const increase = value < last ? value : value - last;
      sums.set(key, (sums.get(key) ?? 0) + increase / (now.time - before.time));
    }
    return sums;
  };
  const total = () => '';
  const by = name => labels => label(labels, name);

  // largest returns the keys of the largest values of some families, without zeros.
  const largest = (scrape, families, keyOf, n) => {
    const sums = new Map();
    for (const family of families) {
      for (const [labels, value] of series(scrape, family)) {
        const key = keyOf(labels);
        if (key !== null && Number.isFinite(value)) sums.set(key, (sums.get(key) ?? 0) + value);
      }
    }
    return [...sums].filter(([, value]) => value > 0).sort((a, b) => b[1] - a[1]).slice(0, n).map(([key]) => key);
  };

  const scaled = (v, base, units) => {
    let i = 0;
    while (Math.abs(v) >= base && i < units.length - 1) { v /= base; i++; }
    return (Math.abs(v) >= 100 || v === 0 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(2)) + units[i];
  };
  // The numbers at an axis are round.
  const short = text => text.replace(/(\.\d*?)0+(?= |$)/, '$1').replace(/\.(?= |$)/, '');
  const binary = Array.from({length: 60}, (_, i) => 2 ** (i - 10));
  const clock = t => new Date(1000 * t).toLocaleTimeString('en-GB'); // 24 hours
  const percent = v => (100 * v).toFixed(v >= 0.0005 && v < 0.1 ? 1 : 0) + ' %';
  const bytes = v => scaled(v, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB']);
  const bytesPerSecond = v => bytes(v) + '/s';
  const perMinute = v => scaled(60 * v, 1000, ['', ' k', ' M', ' G']) + '/min';

  // Disks on other disks would count twice.
  const wholeDisk = labels => /^(dm-|md\d|loop|ram|zram|sr\d|fd\d)/.test(label(labels, 'device')) ? null : '';
  const interfaces = labels => {
    const device = label(labels, 'device');
    return /^(lo$|veth|docker|cali|tap|virbr)/.test(device) ? null : device;
  };
  const share = (now, before, resource) => rates(now, before, `node_pressure_${resource}_waiting_seconds_total`, total).get('');
  const fcErrors = ['error_frames', 'invalid_crc', 'invalid_tx_words', 'link_failure', 'loss_of_signal', 'loss_of_sync']
    .map(name => `node_fibrechannel_${name}_total`);
  const addRates = (lines, sums, name = key => key, factor = 1) => {
    for (const [key, value] of sums) lines.set(name(key), (lines.get(name(key)) ?? 0) + factor * value);
  };

  // A chart has the lines that read returns by name, undefined where the host has no
  // such thing; seconds is the least time between the scrapes of a rate.
  const charts = [
    {
      title: 'CPU time', collector: 'cpu', format: percent, max: () => 1, families: ['node_cpu_seconds_total'],
      read(now, before) {
        const modes = rates(now, before, 'node_cpu_seconds_total', by('mode'));
        const all = [...modes.values()].reduce((a, b) => a + b, 0);
        const of = (...names) => names.reduce((sum, name) => sum + (modes.get(name) ?? 0), 0) / all;
        return all > 0 ? new Map([['user', of('user', 'nice')], ['system', of('system')], ['waiting for I/O', of('iowait')], ['interrupts', of('irq', 'softirq')], ['stolen', of('steal')]]) : new Map();
      },
    },
    {
      title: 'Memory', collector: 'meminfo', format: bytes, max: now => single(now, 'node_memory_MemTotal_bytes'),
      families: ['MemTotal', 'MemAvailable', 'Cached', 'Buffers', 'SwapTotal', 'SwapFree'].map(name => `node_memory_${name}_bytes`),
      read(now) {
        const m = name => single(now, `node_memory_${name}_bytes`);
        return new Map([['used', m('MemTotal') - m('MemAvailable')], ['cache', m('Cached') + (m('Buffers') ?? 0)], ['swap', m('SwapTotal') > 0 ? m('SwapTotal') - m('SwapFree') : undefined]]);
      },
    },
    {
      title: 'Pressure: tasks that wait', collector: 'pressure', format: percent, families: ['cpu', 'io', 'memory'].map(r => `node_pressure_${r}_waiting_seconds_total`),
      read: (now, before) => new Map([['for CPU', share(now, before, 'cpu')], ['for I/O', share(now, before, 'io')], ['for memory', share(now, before, 'memory')]]),
    },
    {
      title: 'Disk throughput', collector: 'diskstats', format: bytesPerSecond, families: ['node_disk_read_bytes_total', 'node_disk_written_bytes_total'],
      read: (now, before) => new Map([['read', rates(now, before, 'node_disk_read_bytes_total', wholeDisk).get('')], ['written', rates(now, before, 'node_disk_written_bytes_total', wholeDisk).get('')]]),
    },
    {
      title: 'Busiest disks', collector: 'diskstats', format: percent, families: ['node_disk_io_time_seconds_total'],
      read(now, before) {
        this.keys ??= largest(now, this.families, by('device'), 5);
        const all = rates(now, before, this.families[0], by('device'));
        return new Map(this.keys.map(key => [key, all.get(key)]));
      },
    },
    {
      title: 'Network', collector: 'netdev', format: bytesPerSecond, families: ['node_network_receive_bytes_total', 'node_network_transmit_bytes_total'],
      read(now, before) {
        this.keys ??= largest(now, this.families, interfaces, maxLines / 2);
        const lines = new Map(), [received, sent] = this.families.map(f => rates(now, before, f, by('device')));
        for (const key of this.keys) lines.set(key + ' in', received.get(key)).set(key + ' out', sent.get(key));
        return lines;
      },
    },
    {
      title: 'Fibre Channel throughput', collector: 'fibrechannel', format: bytesPerSecond, seconds: 10, families: ['node_fibrechannel_rx_words_total', 'node_fibrechannel_tx_words_total'],
      read(now, before) {
        const lines = new Map();
        for (const family of this.families) addRates(lines, rates(now, before, family, by('fc_host')), key => key, 4);
        return lines;
      },
    },
    {
      title: 'Fibre Channel errors', collector: 'fibrechannel', format: perMinute, seconds: 10, families: fcErrors,
      read(now, before) {
        const lines = new Map();
        for (const family of this.families) addRates(lines, rates(now, before, family, by('fc_host')));
        return lines;
      },
    },
  ].filter(c => live.dataset.collectors.split(' ').includes(c.collector));

  const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const text = (tag, className, ...children) => {
    const e = document.createElement(tag);
    e.className = className;
    e.append(...children);
    return e;
  };

  // show adds a figure for a chart, once there is data.
  const show = chart => {
    chart.caption = text('figcaption', '', text('strong', '', chart.title));
    chart.place = text('div', 'plot');
    chart.place.setAttribute('aria-hidden', 'true');
    chart.figure = text('figure', '', chart.caption, chart.place);
    chart.values = chart.names.map((name, i) => {
      const value = text('span', '');
      chart.caption.append(text('span', 'key c' + (i + 1), text('i', ''), name + ' ', value));
      return value;
    });
    // In the order of the definitions, whichever has data first.
    const after = charts.slice(charts.indexOf(chart) + 1).find(c => c.figure);
    live.querySelector('.charts').insertBefore(chart.figure, after?.figure ?? null);
    live.hidden = false;
    draw(chart);
    new ResizeObserver(() => chart.plot.setSize({width: chart.place.clientWidth, height: 130})).observe(chart.place);
  };

  const setValues = (chart, i) => chart.values.forEach((e, n) => {
    const v = chart.data[n + 1][i];
    e.textContent = Number.isFinite(v) ? chart.format(v) : '';
  });

  // draw makes the plot of a chart, also after a change of the color scheme.
  const draw = chart => {
    chart.plot?.destroy();
    const soft = color('--soft'), grid = {stroke: color('--line'), width: 1};
    chart.plot = new uPlot({
      width: chart.place.clientWidth, height: 130, legend: {show: false},
      cursor: {sync: {key: 'host'}, y: false, points: {size: 5}, drag: {x: false, y: false}},
      scales: {y: {range: (_, __, max) => [0, chart.limit || (max > 0 ? 1.1 * max : 1)]}},
      axes: [{stroke: soft, grid, ticks: grid, size: 26, space: 70, values: (_, ticks) => ticks.map(clock)}, {stroke: soft, grid, ticks: grid, size: 84, space: 28, incrs: chart.format === bytes || chart.format === bytesPerSecond ? binary : undefined, values: (_, ticks) => ticks.map(v => short(chart.format(v)))}],
      series: [{}, ...chart.names.map((_, i) => ({stroke: color('--c' + (i + 1)), width: 2, points: {size: 4}}))],
      hooks: {setCursor: [plot => setValues(chart, plot.cursor.idx ?? chart.data[0].length - 1)]},
    }, chart.data, chart.place);
  };

  // add adds a point to a chart.
  const add = (chart, now, lines) => {
    if (!chart.names) {
      chart.names = [...lines.keys()].filter(name => Number.isFinite(lines.get(name))).slice(0, maxLines);
      if (!chart.names.length) {
        chart.names = undefined;
        return;
      }
      chart.data = [[], ...chart.names.map(() => [])];
    }
    chart.limit = chart.max?.(now);
    chart.data[0].push(now.time);
    chart.names.forEach((name, i) => chart.data[i + 1].push(Number.isFinite(lines.get(name)) ? lines.get(name) : null));
    if (chart.data[0].length > maxPoints) chart.data.forEach(d => d.shift());
    if (!chart.figure) show(chart); else chart.plot.setData(chart.data);
    setValues(chart, chart.plot.cursor.idx ?? chart.data[0].length - 1);
  };

  const query = new URLSearchParams();
  new Set(charts.map(c => c.collector)).forEach(name => query.append('collect[]', name));
  new Set(charts.flatMap(c => c.families)).forEach(name => query.append('name[]', name));

  let scrapes = [], timer, busy = false;
  const scrape = async () => {
    const response = await fetch(live.dataset.metrics + '?' + query, {headers: {Accept: 'text/plain'}, cache: 'no-store'});
    if (!response.ok) throw new Error(response.statusText);
    const now = parse(await response.text(), Date.now() / 1000);
    for (const chart of charts) {
      const before = scrapes.findLast(s => now.time - s.time >= (chart.seconds ?? 0.5));
      if (before) add(chart, now, chart.read(now, before));
    }
    // After a pause, such as that of a hidden page, a rate would be one of long ago.
    scrapes = [...scrapes.filter(s => now.time - s.time < keptSeconds), now];
  };
  const poll = async () => {
    if (busy || document.hidden) return;
    busy = true;
    let next = scrapes.length ? pause : firstPause;
    try {
      await scrape();
    } catch {
      next = failurePause; // the exporter restarts, or does not answer
    }
    busy = false;
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(poll, next);
  };
  const start = () => {
    clearTimeout(timer);
    if (!document.hidden) poll();
  };

  if (!charts.length) return;
  document.addEventListener('visibilitychange', start);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.filter(c => c.figure).forEach(draw));
  start();
})();
