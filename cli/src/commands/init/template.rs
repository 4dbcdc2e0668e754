//! The template of a project: the template of Tidings' own repository, changed to use the packages of `tidings build`.

/// The template that deploys this version when it is built from the sources.
pub(crate) const TEMPLATE: &str = include_str!("../../../../template.yaml");

const SAMCONFIG: &str = include_str!("../../../../samconfig.toml");

/// The line by which the sources' template has each function built.
const BUILT: &str = "      CodeUri: !Sub infra/functions/${Architecture}\n";

/// The line that says how to build.
const BUILD_METHOD: &str = "      BuildMethod: makefile\n";

/// The comment that explains the build.
const BUILT_COMMENT: &str = "      # A Makefile that builds the function for this processor, and its configuration beside it.\n";

/// The template for packages in `build/`.
pub(crate) fn template() -> String {
    let mut text = TEMPLATE.replace(BUILD_METHOD, "").replace(BUILT_COMMENT, "");
    // In the template's order. The API of the endpoints is the publisher's program, and the feed the reader's.
    for function in ["receiver", "processor", "reader", "publisher", "publisher", "kafka", "sender", "reader"] {
        text = text.replacen(BUILT, &format!("      CodeUri: build/{function}\n"), 1);
    }
    text
}

/// The defaults of `sam deploy` for a stack of this name. The settings of `sam build` are removed, because nothing is
/// left for it to do.
pub(crate) fn samconfig(stack: &str) -> String {
    let mut sections = SAMCONFIG.split_inclusive("\n\n").filter(|section| !section.starts_with("[default.build.parameters]"));
    let text: String = sections.by_ref().collect();
    text.replace("stack_name = \"tidings\"", &format!("stack_name = \"{stack}\""))
        .replace("# Default options of `sam build` and `sam deploy`.", "# Default options of `sam deploy`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_projects_template_takes_packages_and_is_otherwise_the_same() {
        let text = template();
        assert!(text.contains("CodeUri: build/receiver\n") && text.contains("CodeUri: build/processor\n"));
        assert!(text.contains("CodeUri: build/reader\n") && text.contains("CodeUri: build/publisher\n"));
        assert!(text.contains("CodeUri: build/sender\n") && text.contains("CodeUri: build/kafka\n"));
        for gone in ["BuildMethod", "infra/functions", "Makefile"] {
            assert!(!text.contains(gone), "{gone}");
        }
        assert_eq!(TEMPLATE.lines().count() - text.lines().count(), 9);
    }

    #[test]
    fn a_projects_samconfig_names_its_stack_and_builds_nothing() {
        let text = samconfig("pizza");
        assert!(text.contains("stack_name = \"pizza\"") && text.contains("[default.deploy.parameters]"));
        assert!(!text.contains("default.build") && !text.contains("sam build"));
    }
}
