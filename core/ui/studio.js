// The page's own few lines of JavaScript: the address, the language link, the first moment.
window.studio = {
  // The forms wait (studio.css) until they are filled, so that nothing typed is overwritten.
  ready(run) { if (run !== '?') document.documentElement.dataset.ready = ''; },

  // The address and the drafts, for the page's load event.
  arrive(tabs) {
    const query = new URLSearchParams(location.search);
    const drafts = tabs.map(tab => {
      try { return JSON.parse(localStorage.getItem('persona-studio-' + tab)); } catch { return null; }
    });
    return [query.get('run') || '', query.get('tab') || '', ...drafts];
  },

  // What was typed and not saved; the key must never change, or drafts are lost.
  keep(tab, draft) {
    const key = 'persona-studio-' + tab;
    if (draft) localStorage.setItem(key, JSON.stringify(draft)); else localStorage.removeItem(key);
  },

  address(run, tab) {
    if (run === '?') return;
    const query = new URLSearchParams(location.search);
    for (const [key, value] of [['run', run], ['tab', tab]]) {
      if (value) query.set(key, value); else query.delete(key);
    }
    const text = query.toString();
    history.replaceState(history.state, '', location.pathname + (text ? '?' + text : ''));
  },
};

// The other language's page opens on the same run and tab.
document.addEventListener('click', event => {
  const link = event.target.closest('a.tongue');
  if (link) link.href = '../' + link.dataset.language + '/' + location.search;
}, true);

setTimeout(window.studio.ready, 8000);
