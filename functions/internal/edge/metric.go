package edge

import (
	"encoding/json"
	"time"

	"github.com/lockstep-data/lockstep/infra"
	"github.com/lockstep-data/lockstep/shared/stage"
)

// emf is a line of the embedded metric format: CloudWatch makes metrics of it by reading the log.
type emf struct {
	AWS struct {
		Timestamp int64       `json:"Timestamp"` // ms
		Metrics   []emfMetric `json:"CloudWatchMetrics"`
	} `json:"_aws"`
	Job         string  `json:"job"`
	Step        string  `json:"step"`
	Status      string  `json:"status"` // ok, or the code of the fault
	Invocations int     `json:"invocations"`
	Duration    float64 `json:"duration"` // ms
	Read        *int64  `json:"records_read,omitempty"`
	Loaded      *int64  `json:"records_loaded,omitempty"`
	Filtered    *int64  `json:"records_filtered,omitempty"`
	Failed      *int64  `json:"records_failed,omitempty"`
}

type emfMetric struct {
	Namespace  string      `json:"Namespace"`
	Dimensions [][]string  `json:"Dimensions"`
	Metrics    []emfNumber `json:"Metrics"`
}

type emfNumber struct {
	Name string `json:"Name"`
	Unit string `json:"Unit"`
}

// measure writes the metrics of an invocation. The dimensions are few on purpose: each combination of their values is billed.
func (f *Function) measure(i *invocation, status string, took time.Duration, result any) {
	job := i.Job
	if job == "" {
		job = "-" // a dimension must have a value
	}
	m := emf{Job: job, Step: i.Name, Status: status, Invocations: 1, Duration: float64(took.Microseconds()) / 1000}
	m.AWS.Timestamp = f.o.Now().UnixMilli()
	numbers := []emfNumber{{"invocations", "Count"}, {"duration", "Milliseconds"}}
	if r, ok := result.(stage.LoadResult); ok {
		m.Read, m.Loaded, m.Filtered, m.Failed = &r.Read, &r.Loaded, &r.Filtered, &r.Failed
		for _, name := range []string{"records_read", "records_loaded", "records_filtered", "records_failed"} {
			numbers = append(numbers, emfNumber{name, "Count"})
		}
	}
	m.AWS.Metrics = []emfMetric{{infra.MetricNamespace, [][]string{{"job", "step", "status"}}, numbers}}
	line, err := json.Marshal(m)
	if err == nil {
		_, err = f.o.Out.Write(append(line, '\n'))
	}
	if err != nil {
		f.log.Warn("metrics not written", "err", err)
	}
}
