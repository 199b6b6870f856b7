// The page's own few lines of JavaScript: the address, the language link, the first moment.
window.studio = {
  // The forms wait (studio.css) until they are filled, so that nothing typed is overwritten.
  ready() { document.documentElement.dataset.ready = ''; },

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
