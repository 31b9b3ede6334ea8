package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func addConfigFlag(cmd *cobra.Command) {
	cmd.Flags().String("config", "", "YAML file with these settings by the flags' names")
}

// configure fills in what the command line does not say: from the environment (FHIRSIDE_BASE_URL for --base-url), then from the
// YAML file that --config names, whose keys are the flags' names. What no one says keeps its default.
func configure(cmd *cobra.Command) error {
	flags := cmd.Flags()
	fill := func(f *pflag.Flag, value, source string) error {
		if err := flags.Set(f.Name, value); err != nil {
			return fmt.Errorf("%s: %w", source, plainValue(err))
		}
		return nil
	}
	err := eachUnset(flags, func(f *pflag.Flag) error {
		name := "FHIRSIDE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := os.LookupEnv(name); ok {
			return fill(f, value, name)
		}
		return nil
	})
	if err != nil {
		return err
	}
	path, err := flags.GetString("config")
	if err != nil || path == "" {
		return err
	}
	file, err := readConfig(path, flags)
	if err != nil {
		return err
	}
	return eachUnset(flags, func(f *pflag.Flag) error {
		if value, ok := file[f.Name]; ok {
			return fill(f, settingOf(value), path+": "+f.Name)
		}
		return nil
	})
}

// settingOf is a value of the file as the command line has it: a list with commas.
func settingOf(value any) string {
	list, ok := value.([]any)
	if !ok {
		return fmt.Sprint(value)
	}
	parts := make([]string, len(list))
	for i, part := range list {
		parts[i] = fmt.Sprint(part)
	}
	return strings.Join(parts, ",")
}

// eachUnset calls do for the flags that have their default.
func eachUnset(flags *pflag.FlagSet, do func(*pflag.Flag) error) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		if err == nil && !f.Changed && f.Name != "help" {
			err = do(f)
		}
	})
	return err
}

// readConfig reads the file; a key that is no flag is a mistake.
func readConfig(path string, flags *pflag.FlagSet) (map[string]any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for key := range file {
		if flags.Lookup(key) == nil || key == "config" || key == "help" {
			return nil, fmt.Errorf("%s: there is no setting %q", path, key)
		}
	}
	return file, nil
}
