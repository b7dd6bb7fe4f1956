// Search and sort of the tables with the class list. Without this script they are
// complete, and what fails stands first.
'use strict';
(() => {
  const searchFrom = 9; // rows

  const cell = (row, i) => {
    const c = row.cells[i];
    return c.dataset.v === undefined ? c.textContent.trim() : Number(c.dataset.v);
  };

  const sortBy = (table, i) => {
    const heads = [...table.tHead.rows[0].cells];
    const descending = heads[i].getAttribute('aria-sort') === 'ascending';
    heads.forEach(h => h.removeAttribute('aria-sort'));
    heads[i].setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    const body = table.tBodies[0];
    const rows = [...body.rows].map(row => [cell(row, i), row]);
    rows.sort(([a], [b]) => typeof a === 'number' ? a - b : String(a).localeCompare(String(b), 'en', {numeric: true}));
    if (descending) rows.reverse();
    body.append(...rows.map(([, row]) => row));
  };

  const addSort = table => [...table.tHead.rows[0].cells].forEach((head, i) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    button.addEventListener('click', () => sortBy(table, i));
    head.append(button);
  });

  const addSearch = table => {
    const rows = [...table.tBodies[0].rows];
    if (rows.length < searchFrom) return;
    const box = document.createElement('p');
    box.className = 'search';
    const label = document.createElement('label');
    const input = document.createElement('input');
    input.type = 'search';
    input.setAttribute('autocomplete', 'off');
    const found = document.createElement('span');
    found.setAttribute('role', 'status');
    label.append('Search ', input);
    box.append(label, ' ', found);
    table.parentElement.before(box);
    input.addEventListener('input', () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let n = 0;
      for (const row of rows) {
        const text = (row.textContent + ' ' + (row.querySelector('[title]')?.title ?? '')).toLowerCase();
        row.hidden = !words.every(w => text.includes(w));
        if (!row.hidden) n++;
      }
      found.textContent = words.length ? n + ' of ' + rows.length : '';
    });
  };

  for (const table of document.querySelectorAll('table.list')) {
    addSearch(table);
    addSort(table);
  }
})();
