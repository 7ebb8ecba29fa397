/// The one script of a page: steps through its space-time diagrams.
///
/// Step 0 is before anything has happened, the last one the whole diagram, which is also what a page shows first. The
/// step is in the page's address (`#steps=5`), so that it can be linked to. Arrow keys go to the figure that has the
/// focus, or else to the one of which most is in sight.
enum PageScript {
    /// What the page's policy allows: the script's SHA-256, in base 64.
    static let digest = "sha256-A263j7foDxwjXKmoixcd+2myyJP3gEtaI8WnAiTUgwQ="

    static let source = """
        'use strict';
        (() => {
          const figures = [...document.querySelectorAll('figure.stepper')].map((figure) => {
            const find = (selector) => figure.querySelector(selector);
            const count = Number(figure.dataset.steps);
            const slider = find('input'), scroll = find('.scroll'), heads = find('.heads');
            const moving = [...figure.querySelectorAll('[data-step]')];
            const sentences = [...figure.querySelectorAll('.words li')];
            let step = count;
            const isWhole = () => !figure.classList.contains('stepping');
            function reveal(parts) {
              const part = parts.find((part) => part.querySelector('.ring')) || parts[0];
              if (!part) return;
              const box = part.getBoundingClientRect(), view = scroll.getBoundingClientRect();
              const top = view.top + heads.getBoundingClientRect().height + 16;
              if (box.top < top) scroll.scrollTop -= top - box.top;
              else if (box.bottom > view.bottom - 24) scroll.scrollTop += box.bottom - view.bottom + 24;
              if (box.left < view.left + 16) scroll.scrollLeft -= view.left + 16 - box.left;
              else if (box.right > view.right - 16) scroll.scrollLeft += box.right - view.right + 16;
            }
            function show(wanted, begins) {
              step = Math.min(Math.max(wanted, 0), count);
              if (!begins) figure.classList.add('stepping');
              const now = [];
              for (const part of moving) {
                const own = Number(part.dataset.step);
                const isUnderWay = own > step && part.dataset.sent && Number(part.dataset.sent) <= step && step > 0;
                const isNow = own === step && !begins;
                part.classList.toggle('later', own > step && !isUnderWay);
                part.classList.toggle('under-way', Boolean(isUnderWay));
                part.classList.toggle('now', isNow);
                if (isNow) now.push(part);
              }
              sentences.forEach((sentence, index) => sentence.classList.toggle('now', index + 1 === step && !begins));
              slider.value = step;
              const said = begins ? 'All ' + count + ' steps. Go through them with ▶, the slider or the arrow keys.'
                : step === 0 ? 'Nothing has happened yet.' : sentences[step - 1].textContent;
              find('.said').textContent = said;
              slider.setAttribute('aria-valuetext', 'Step ' + step + ' of ' + count + ': ' + said);
              find('.place').textContent = begins ? '' : 'Step ' + step + ' of ' + count;
              find('.back').disabled = step === 0;
              if (begins) return;
              reveal(now);
              // Not every place allows this.
              try { history.replaceState(null, '', '#' + figure.id + '=' + step); } catch {}
            }
            const next = () => show(isWhole() ? 1 : step === count ? 0 : step + 1);
            const previous = () => show(step - 1);
            find('.back').addEventListener('click', previous);
            find('.forth').addEventListener('click', next);
            slider.addEventListener('input', () => show(Number(slider.value)));
            find('.controls').hidden = false;
            show(count, true);
            return { figure, show, next, previous, first: () => show(0), last: () => show(count) };
          });
          function follow() {
            const asked = /^#(\\w+)=(\\d{1,6})$/.exec(location.hash);
            if (!asked) return;
            const id = asked[1] === 'step' ? 'steps' : asked[1];
            const one = figures.find((one) => one.figure.id === id);
            if (!one) return;
            one.show(Number(asked[2]));
            one.figure.scrollIntoView({ block: 'nearest' });
          }
          addEventListener('hashchange', follow);
          follow();
          addEventListener('keydown', (event) => {
            if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
            const target = event.target;
            if (target instanceof HTMLInputElement) return;
            const seen = ({ figure }) => {
              const box = figure.getBoundingClientRect();
              return Math.min(box.bottom, innerHeight) - Math.max(box.top, 0);
            };
            const inSight = () => figures.filter((one) => seen(one) > 0).sort((a, b) => seen(b) - seen(a))[0];
            const one = figures.find(({ figure }) => figure.contains(target)) ||
              (target === document.body ? inSight() : undefined);
            // What scrolls sideways keeps its keys.
            if (!one || (target.scrollWidth > target.clientWidth && target !== document.body)) return;
            const act = { ArrowRight: one.next, ArrowLeft: one.previous, Home: one.first, End: one.last }[event.key];
            if (!act || (target === document.body && !event.key.startsWith('Arrow'))) return;
            event.preventDefault();
            act();
          });
        })();
        """
}
