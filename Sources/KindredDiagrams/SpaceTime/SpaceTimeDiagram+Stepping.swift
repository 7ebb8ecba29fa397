extension SpaceTimeDiagram {
    /// The diagram as a figure that one can step through: buttons, a slider, arrow keys, and `#ID=5` in the page's
    /// address for the fifth step. It needs the style and the script of `HTMLPage`; without the script it is the whole
    /// diagram, and its steps in words.
    func figure(id: String) -> String {
        let (diagram, leftOut) = drawable
        let steps = diagram.steps
        let layout = SpaceTimeLayout(diagram)
        var heads = SpaceTimeDrawing(layout, steps: [])
        heads.drawHeads(top: 2)
        var drawing = SpaceTimeDrawing(layout, steps: steps)
        drawing.drawBody()
        let below = drawing.drawFooter(leftOut: leftOut)
        let width = max(layout.width, 260)
        let headHeight = SpaceTimeLayout.headHeight - 10
        let headSVG = heads.canvas.svg(
            title: "Lanes", description: diagram.lanes.map(\.name).joined(separator: ", "),
            view: Box(x: 0, y: 0, width: width, height: headHeight), isAlone: false)
        let bodySVG = drawing.canvas.svg(
            title: title, description: diagram.summary,
            view: Box(x: 0, y: headHeight, width: width, height: below - headHeight), isAlone: false)
        let items = steps.enumerated().map {
            "<li id=\"\(id)-\($0.offset + 1)\">\(SafeText.escaped($0.element.text))</li>"
        }
        let name = SafeText.escaped(SafeText.shortened(title, to: 200))
        return """
            <figure class="stepper" id="\(id)" data-steps="\(steps.count)">
            <figcaption>\(name)</figcaption>
            <div class="controls" role="group" aria-label="Steps of \(name)" hidden>
            <button type="button" class="back" aria-label="Previous step" title="Previous step (←)">◀</button>
            <input type="range" min="0" max="\(steps.count)" value="\(steps.count)" aria-label="Step">
            <button type="button" class="forth" aria-label="Next step" title="Next step (→)">▶</button>
            <span class="place"></span>
            <p class="said" aria-live="polite"></p>
            </div>
            <div class="scroll tall" tabindex="0" role="region" aria-label="Diagram: \(name)">
            <div class="heads">\(headSVG)</div>
            \(bodySVG)</div>
            <details class="words"><summary>The \(steps.count) steps in words</summary><ol>
            \(items.joined(separator: "\n"))
            </ol></details>
            </figure>

            """
    }
}
