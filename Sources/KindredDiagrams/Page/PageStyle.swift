/// How a page looks. Colours are those of the drawings.
enum PageStyle {
    private static let names: [Ink] = [.ground, .panel, .ink, .muted, .rule, .edge, .accent]
    private static let light = names.map { "--\($0.rawValue):\($0.colours.light)" }.joined(separator: ";")
    private static let dark = names.map { "--\($0.rawValue):\($0.colours.dark)" }.joined(separator: ";")

    static let css = """
        :root{color-scheme:light dark;\(light)}
        @media screen and (prefers-color-scheme:dark){:root{\(dark)}}
        *{box-sizing:border-box}
        body{margin:0 auto;padding:2rem clamp(.9rem,4vw,2.5rem) 4rem;max-width:74rem;\
        background:var(--ground);color:var(--ink);font:16px/1.55 \(Typeface.sans.family);overflow-wrap:anywhere}
        h1{font-size:1.75rem;line-height:1.2;margin:0 0 .8rem;letter-spacing:-.01em}
        h2{font-size:1.2rem;line-height:1.3;margin:2.6rem 0 .7rem}
        p{margin:.6rem 0;max-width:46rem}
        .lead{font-size:1.08rem}
        a{color:var(--accent)}
        .skip{position:absolute;left:-99rem}.skip:focus{position:static}
        nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;margin:1rem 0 0;padding:0}
        footer{margin-top:3rem;border-top:1px solid var(--rule);color:var(--muted);font-size:.85rem}
        figure{margin:1.4rem 0}
        figcaption,caption{font-weight:600;text-align:left;padding:0 0 .5rem;max-width:46rem}
        svg{display:block}
        .scroll{overflow:auto;max-width:100%}
        .narrow{display:none}
        pre{overflow:auto;background:var(--panel);border-radius:6px;padding:.8rem 1rem;line-height:1.35}
        pre,code{font-family:\(Typeface.mono.family);font-size:.85rem;\
        overflow-wrap:normal}
        .table{margin:1.4rem 0;max-height:85vh}
        table{border-collapse:separate;border-spacing:0;font-size:.92rem;font-variant-numeric:tabular-nums;\
        overflow-wrap:normal}
        tbody{overflow-wrap:anywhere}td:not(.number){min-width:9rem}
        th,td{text-align:left;vertical-align:top;padding:.45rem .9rem .45rem 0;border-bottom:1px solid var(--rule)}
        th+th,th+td,td+td{padding-left:.9rem}
        thead th{position:sticky;top:0;background:var(--ground);color:var(--muted);font-weight:600;font-size:.82rem;\
        border-bottom:1px solid var(--edge);vertical-align:bottom;z-index:1}
        tbody th{font-weight:500;min-width:9rem}
        .number{text-align:right;white-space:nowrap;overflow-wrap:normal}td.number .note{white-space:normal}
        .note{display:block;color:var(--muted);font-size:.82rem;line-height:1.35;font-weight:400;max-width:26rem}
        .mark{display:inline-block;vertical-align:-.12em;margin-right:.4rem}
        :focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
        .controls{display:grid;grid-template-columns:auto minmax(6rem,20rem) auto auto 1fr;align-items:center;\
        gap:.3rem .6rem}
        .controls[hidden]{display:none}
        .controls button{font:inherit;line-height:1;min-width:2.4rem;min-height:2.2rem;color:var(--ink);\
        background:var(--panel);border:1px solid var(--edge);border-radius:6px;cursor:pointer}
        .controls button:hover{border-color:var(--accent)}.controls button:disabled{opacity:.4;cursor:default}
        .controls input{width:100%;accent-color:var(--accent)}
        .place{color:var(--muted);font-size:.85rem;font-variant-numeric:tabular-nums;white-space:nowrap}
        .said{grid-column:1/-1;margin:.15rem 0 .6rem;min-height:1.7em;max-width:none}
        .tall{max-height:78vh;border:1px solid var(--rule);border-radius:6px}
        .heads{position:sticky;top:0;min-width:max-content;background:var(--ground);border-bottom:1px solid var(--rule)}
        .ring,.later{visibility:hidden}.now .ring{visibility:visible}.under-way.arrow,.under-way text{opacity:.5}
        .under-way .end{visibility:hidden}
        .arrow.now line{stroke:var(--accent);stroke-width:2.5px}.arrow.now polygon{fill:var(--accent)}
        .words{margin-top:.6rem;font-size:.92rem}summary{cursor:pointer;color:var(--muted)}
        .words li.now{font-weight:600}
        @media (max-width:46rem){body{padding-top:1.2rem}h1{font-size:1.4rem}
        .wide{display:none}.narrow{display:block}.said{min-height:3.2em}}
        @media print{body{max-width:none;padding:0;font-size:11pt}.controls,.skip{display:none!important}
        .scroll,.table,.tall{overflow:visible;max-height:none;border:0}.heads,thead th{position:static}
        svg{max-width:100%;height:auto}.wide{display:block}.narrow{display:none}
        .later{visibility:visible}.ring{visibility:hidden!important}
        figure,tr{break-inside:avoid}}
        """
}
